// Framed messages over one TCP socket, never blocking: what the heartbeat speaks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::parallel {

enum class FrameKind : std::uint32_t {
  hello = 1,    // text: token, rank, process, host; the first frame of a rank
  beat,         // text: the sender's last collective
  request_end,  // to rank 0: end the job with this code and message
  end,          // from rank 0: the job ends with this code, the message is printed
  bye,          // this rank has finished its work
  all_bye,      // from rank 0: every rank has
};

struct Frame {
  FrameKind kind;
  std::int32_t code = 0;
  std::string text;
};

// A file descriptor with an owner.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  int get() const { return value_; }
  int release();
  void reset();

 private:
  int value_;
};

class Connection {
 public:
  explicit Connection(Descriptor socket) : socket_(std::move(socket)) {}
  int descriptor() const { return socket_.get(); }
  bool open() const { return socket_.get() >= 0; }
  bool has_unsent() const { return !outbox_.empty(); }
  // Queues the frame and sends what the socket takes now. A beat is dropped while earlier bytes are unsent: a silent peer costs no memory.
  void send(const Frame& frame);
  // The frames that have arrived. Closes on end of file, an error or nonsense: then open() is false and the frames before are returned.
  std::vector<Frame> receive();
  void close() { socket_.reset(); }

 private:
  void flush();
  Descriptor socket_;
  std::string inbox_, outbox_;
};

// The listening side: any interface, a port chosen by the system.
class Listener {
 public:
  Listener();  // throws CommunicationError
  int descriptor() const { return socket_.get(); }
  int port() const { return port_; }
  Descriptor accept();  // a non-blocking socket, or -1 when nobody waits

 private:
  Descriptor socket_;
  int port_ = 0;
};

// IPv4 addresses of this host's interfaces that are up, without loopback.
std::vector<std::string> own_addresses();
// A non-blocking socket connected within the time, or -1.
Descriptor connect_to(const std::string& address, int port, double timeout_seconds);
std::string host_name();

}  // namespace phidias::parallel
