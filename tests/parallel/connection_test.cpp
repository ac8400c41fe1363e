#include "parallel/connection.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

namespace phidias::parallel {
namespace {

struct Pair {
  Connection a{Descriptor()}, b{Descriptor()};
};

Pair connected() {
  Listener listener;
  Pair pair;
  pair.a = Connection(connect_to("127.0.0.1", listener.port(), 1.0));
  pollfd ready{listener.descriptor(), POLLIN, 0};
  ::poll(&ready, 1, 2000);
  pair.b = Connection(listener.accept());
  return pair;
}

std::vector<Frame> wait_for(Connection& connection) {
  pollfd ready{connection.descriptor(), POLLIN, 0};
  ::poll(&ready, 1, 2000);
  return connection.receive();
}

TEST(Connection, CarriesFramesInOrder) {
  Pair pair = connected();
  ASSERT_TRUE(pair.a.open() && pair.b.open());
  pair.a.send({FrameKind::hello, 3, std::string("a\0b", 3)});
  pair.a.send({FrameKind::request_end, -7, ""});
  std::vector<Frame> frames;
  while (frames.size() < 2 && pair.b.open()) {
    for (Frame& frame : wait_for(pair.b)) frames.push_back(std::move(frame));
  }
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].kind, FrameKind::hello);
  EXPECT_EQ(frames[0].code, 3);
  EXPECT_EQ(frames[0].text, std::string("a\0b", 3));
  EXPECT_EQ(frames[1].kind, FrameKind::request_end);
  EXPECT_EQ(frames[1].code, -7);
}

TEST(Connection, WhatWasSentBeforeTheEndIsStillRead) {
  Pair pair = connected();
  pair.a.send({FrameKind::end, 4, ""});
  pair.a.close();
  std::vector<Frame> frames;
  while (pair.b.open()) {
    for (Frame& frame : wait_for(pair.b)) frames.push_back(std::move(frame));
  }
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].code, 4);
  pair.b.send({FrameKind::beat, 0, ""});  // into the void: no signal, no exception
}

TEST(Connection, BeatsToAPeerThatDoesNotReadCostNoMemory) {
  Pair pair = connected();
  const std::string text(100000, 'x');
  for (int i = 0; i < 1000; ++i) pair.a.send({FrameKind::beat, 0, text});  // 100 MB if all of it were kept
  EXPECT_TRUE(pair.a.has_unsent());
  std::size_t received = 0;
  while (pair.a.has_unsent()) {
    pair.a.receive();
    received += wait_for(pair.b).size();
  }
  EXPECT_GT(received, 0u);
  EXPECT_LT(received, 1000u);  // the rest was dropped whole: what arrived could be read
  EXPECT_TRUE(pair.b.open());
}

TEST(Connection, NonsenseClosesIt) {
  Listener listener;
  Descriptor stranger = connect_to("127.0.0.1", listener.port(), 1.0);
  pollfd ready{listener.descriptor(), POLLIN, 0};
  ::poll(&ready, 1, 2000);
  Connection connection(listener.accept());
  const std::string nonsense = "GET / HTTP/1.1\r\nHost: somebody\r\n\r\n";
  ASSERT_EQ(::send(stranger.get(), nonsense.data(), nonsense.size(), 0), static_cast<ssize_t>(nonsense.size()));
  EXPECT_TRUE(wait_for(connection).empty());
  EXPECT_FALSE(connection.open());
}

TEST(Connection, NobodyThereGivesNoConnection) {
  int port = 0;
  {
    Listener listener;
    port = listener.port();
  }
  EXPECT_LT(connect_to("127.0.0.1", port, 1.0).get(), 0);
  EXPECT_LT(connect_to("not an address", port, 1.0).get(), 0);
}

}  // namespace
}  // namespace phidias::parallel
