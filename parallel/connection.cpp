#include "parallel/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace phidias::parallel {
namespace {

constexpr std::size_t kHeaderBytes = 3 * sizeof(std::uint32_t);  // kind, code, length of the text
constexpr std::uint32_t kLongestText = 1 << 20;

void append_number(std::string& out, std::uint32_t value) {
  value = htonl(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::uint32_t number_at(const std::string& bytes, std::size_t offset) {
  std::uint32_t value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return ntohl(value);
}

void send_at_once(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    value_ = other.release();
  }
  return *this;
}
int Descriptor::release() { return std::exchange(value_, -1); }
void Descriptor::reset() {
  if (value_ >= 0) ::close(value_);
  value_ = -1;
}

void Connection::send(const Frame& frame) {
  if (!open()) return;
  if (frame.kind != FrameKind::beat || outbox_.empty()) {
    const std::string_view text = std::string_view(frame.text).substr(0, kLongestText);
    append_number(outbox_, static_cast<std::uint32_t>(frame.kind));
    append_number(outbox_, static_cast<std::uint32_t>(frame.code));
    append_number(outbox_, static_cast<std::uint32_t>(text.size()));
    outbox_ += text;
  }
  flush();
}

// A failed send is no news by itself: the reading side finds out and says so once.
void Connection::flush() {
  while (!outbox_.empty()) {
    const ssize_t sent = ::send(socket_.get(), outbox_.data(), outbox_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;
    outbox_.erase(0, static_cast<std::size_t>(sent));
  }
}

std::vector<Frame> Connection::receive() {
  char piece[4096];
  while (open()) {
    const ssize_t got = ::recv(socket_.get(), piece, sizeof(piece), MSG_DONTWAIT);
    if (got > 0)
      inbox_.append(piece, static_cast<std::size_t>(got));
    else if (got < 0 && errno == EINTR)
      continue;
    else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      break;
    else
      close();
  }
  flush();
  std::vector<Frame> frames;
  std::size_t begin = 0;
  while (inbox_.size() - begin >= kHeaderBytes) {
    const std::uint32_t length = number_at(inbox_, begin + 8);
    if (length > kLongestText) {
      close();
      break;
    }
    if (inbox_.size() - begin - kHeaderBytes < length) break;
    frames.push_back({static_cast<FrameKind>(number_at(inbox_, begin)), static_cast<std::int32_t>(number_at(inbox_, begin + 4)),
                      inbox_.substr(begin + kHeaderBytes, length)});
    begin += kHeaderBytes + length;
  }
  inbox_.erase(0, begin);
  return frames;
}

Listener::Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (socket_.get() < 0 || ::bind(socket_.get(), generic, length) != 0 || ::listen(socket_.get(), SOMAXCONN) != 0 ||
      ::getsockname(socket_.get(), generic, &length) != 0) {
    throw CommunicationError(std::string("cannot listen for the heartbeat of other ranks: ") + std::strerror(errno));
  }
  port_ = ntohs(address.sin_port);
}

Descriptor Listener::accept() {
  Descriptor socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.get() >= 0) send_at_once(socket.get());
  return socket;
}

std::vector<std::string> own_addresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if ((one->ifa_flags & IFF_UP) == 0 || (one->ifa_flags & IFF_LOOPBACK) != 0) continue;
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof(text));
    addresses.emplace_back(text);
  }
  ::freeifaddrs(list);
  return addresses;
}

Descriptor connect_to(const std::string& address, int port, double timeout_seconds) {
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, address.c_str(), &target.sin_addr) != 1) return Descriptor();
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return Descriptor();
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&target), sizeof(target)) != 0) {
    if (errno != EINPROGRESS) return Descriptor();
    pollfd ready{socket.get(), POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(timeout_seconds * 1000)) != 1) return Descriptor();
    int error = 0;
    socklen_t length = sizeof(error);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return Descriptor();
  }
  send_at_once(socket.get());
  return socket;
}

std::string host_name() {
  char text[256] = {};
  return ::gethostname(text, sizeof(text) - 1) == 0 ? text : "unknown";
}

}  // namespace phidias::parallel
