#include "parallel/heartbeat.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "parallel/heartbeat_thread.h"

namespace phidias::parallel {
namespace {

constexpr double kConnectSeconds = 3.0, kHandshakeSeconds = 15.0, kFarewellSeconds = 1.0;
constexpr double kPrecedenceSeconds = 2.0, kStaggerSeconds = 0.1;  // of rank 1 before other members that have lost rank 0; of these among themselves
constexpr int kMostStaggered = 16;
constexpr std::size_t kListedRanks = 64;

std::string own_process() { return "host " + host_name() + ", process " + std::to_string(::getpid()); }

// Rank 0: hears everybody, decides, prints.
class HeartbeatCentre final : public HeartbeatThread {
 public:
  HeartbeatCentre(std::vector<Peer> ranks, HeartbeatSettings settings, std::shared_ptr<const CollectiveLog> log)
      : HeartbeatThread(0, settings, std::move(log)), ranks_(std::move(ranks)) {
    for (Peer& rank : ranks_) watched_.push_back(&rank);
    start();
  }
  ~HeartbeatCentre() override { stop(); }

 private:
  std::vector<Peer*> peers() override { return watched_; }

  void on_frame(Peer& peer, const Frame& frame) override {
    if (frame.kind == FrameKind::beat) peer.last_collective = frame.text;
    if (frame.kind == FrameKind::bye) peer.goodbye = true;
    if (frame.kind == FrameKind::request_end) conclude(frame.code, "rank " + std::to_string(peer.rank) + ": " + frame.text, true);
  }
  void on_end_request(const EndRequest& request) override { conclude(request.exit_code, "rank 0: " + request.message, true); }
  void on_lost(const Peer& peer) override {
    if (was_stopped()) ::_exit(static_cast<int>(ExitCode::communication));
    conclude(static_cast<int>(ExitCode::communication), lost_message(peer, settings_.silent_seconds), false);
  }

  void after_turn() override {
    const bool all = goodbye_said() && std::all_of(ranks_.begin(), ranks_.end(), [](const Peer& rank) { return rank.goodbye; });
    if (!all) return;
    for (Peer& rank : ranks_) rank.connection.send({FrameKind::all_bye, 0, ""});
    wait_for_closing();
    set_finished();
  }

  std::string last_collectives() const {
    std::string text = "\n  last collective of rank 0: " + log_->last();
    for (std::size_t i = 0; i < std::min(ranks_.size(), kListedRanks); ++i) {
      text += "\n  last collective of rank " + std::to_string(ranks_[i].rank) + ": " + ranks_[i].last_collective;
    }
    if (ranks_.size() > kListedRanks) text += "\n  (and " + std::to_string(ranks_.size() - kListedRanks) + " more ranks)";
    return text;
  }

  [[noreturn]] void conclude(int exit_code, std::string message, bool reported) {
    if (reported && exit_code == static_cast<int>(ExitCode::communication)) message += last_collectives();
    log_error(message);
    announce_end(exit_code);
    for (Peer& rank : ranks_) rank.connection.send({FrameKind::end, exit_code, ""});
    wait_for_closing();
    ::_exit(exit_code);
  }

  // Closing first would let the system drop what the others have not read yet.
  void wait_for_closing() {
    const Clock::time_point start = Clock::now();
    const auto someone_open = [this] {
      for (Peer& rank : ranks_) rank.connection.receive();
      return std::any_of(ranks_.begin(), ranks_.end(), [](const Peer& rank) { return rank.connection.open(); });
    };
    while (someone_open() && seconds_since(start) < kFarewellSeconds) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  std::vector<Peer> ranks_;
  std::vector<Peer*> watched_;
};

// Every other rank: hears rank 0 alone.
class HeartbeatMember final : public HeartbeatThread {
 public:
  HeartbeatMember(int rank, Peer centre, HeartbeatSettings settings, std::shared_ptr<const CollectiveLog> log)
      : HeartbeatThread(rank, settings, std::move(log)), centre_(std::move(centre)) {
    start();
  }
  ~HeartbeatMember() override { stop(); }

 private:
  std::vector<Peer*> peers() override { return {&centre_}; }

  void on_frame(Peer&, const Frame& frame) override {
    if (frame.kind == FrameKind::beat) centre_.last_collective = frame.text;
    if (frame.kind == FrameKind::end) ::_exit(frame.code);
    if (frame.kind == FrameKind::all_bye) {
      centre_.connection.close();
      set_finished();
    }
  }
  void on_end_request(const EndRequest& request) override { centre_.connection.send({FrameKind::request_end, request.exit_code, request.message}); }
  // All members lose rank 0 at the same moment, and the first to leave makes the launcher kill the rest: rank 1 speaks first, the others wait until they
  // have either been killed or know that rank 1 is gone too.
  void on_lost(const Peer& peer) override {
    if (rank_ != 1) std::this_thread::sleep_for(std::chrono::duration<double>(kPrecedenceSeconds + kStaggerSeconds * std::min(rank_, kMostStaggered)));
    if (!was_stopped() && !end_announced()) {
      log_error(lost_message(peer, settings_.silent_seconds));
      announce_end(static_cast<int>(ExitCode::communication));
    }
    ::_exit(static_cast<int>(ExitCode::communication));
  }
  void after_turn() override {
    if (goodbye_said() && !std::exchange(goodbye_sent_, true)) centre_.connection.send({FrameKind::bye, 0, ""});
  }

  Peer centre_;
  bool goodbye_sent_ = false;
};

// A rank without a connection: it ends alone, and the launcher ends the rest.
class Unwatched : public Heartbeat {
 public:
  explicit Unwatched(int rank) : rank_(rank) {}
  void say_goodbye() override {}
  [[noreturn]] void end_job(int exit_code, const std::string& message) override {
    log_error("rank " + std::to_string(rank_) + ": " + message);
    ::_exit(exit_code);
  }

 private:
  int rank_;
};

// What rank 0 tells the others about how to reach it.
struct Invitation {
  std::string token;
  int port = 0, process = 0;
  std::string host, addresses;  // separated by blanks

  std::string text() const { return token + " " + std::to_string(port) + " " + std::to_string(process) + " " + host + " " + addresses; }
  static Invitation parse(const std::string& text) {
    Invitation result;
    std::istringstream in(text);
    in >> result.token >> result.port >> result.process >> result.host;
    std::getline(in, result.addresses);
    return result;
  }
};

Invitation make_invitation(int port) {
  std::random_device random;
  Invitation result{std::to_string(random()) + "-" + std::to_string(random()) + "-" + std::to_string(random()), port, static_cast<int>(::getpid()), host_name(),
                    ""};
  for (const std::string& address : own_addresses()) result.addresses += address + " ";
  return result;
}

Peer join(const Invitation& invitation, bool beside_rank_0, int rank) {
  std::istringstream addresses((beside_rank_0 ? "127.0.0.1 " : "") + invitation.addresses);
  Peer centre;
  for (std::string address; !centre.connection.open() && addresses >> address;) {
    centre.connection = Connection(connect_to(address, invitation.port, kConnectSeconds));
  }
  centre.process = "host " + invitation.host + ", process " + std::to_string(invitation.process);
  centre.connection.send({FrameKind::hello, rank, invitation.token + " " + own_process()});
  return centre;
}

// Accepts until every rank that says it is connected has introduced itself.
std::vector<Peer> welcome(Listener& listener, const std::string& token, std::size_t expected) {
  std::vector<Peer> strangers, members;
  const Clock::time_point start = Clock::now();
  while (members.size() < expected && seconds_since(start) < kHandshakeSeconds) {
    for (Descriptor socket = listener.accept(); socket.get() >= 0; socket = listener.accept()) {
      strangers.emplace_back().connection = Connection(std::move(socket));
    }
    for (Peer& stranger : strangers) {
      for (const Frame& frame : stranger.connection.receive()) {
        if (frame.kind != FrameKind::hello || !frame.text.starts_with(token + " ")) continue;
        stranger.rank = frame.code;
        stranger.process = frame.text.substr(token.size() + 1);
        members.push_back(std::move(stranger));
        break;  // beats are sent only after every rank has been welcomed: nothing is lost
      }
    }
    std::erase_if(strangers, [](const Peer& stranger) { return !stranger.connection.open(); });
    if (members.size() < expected) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::sort(members.begin(), members.end(), [](const Peer& a, const Peer& b) { return a.rank < b.rank; });
  return members;
}

}  // namespace

std::unique_ptr<Heartbeat> start_heartbeat(Communicator& host, const HeartbeatSettings& settings, std::shared_ptr<const CollectiveLog> log) {
  std::unique_ptr<Listener> listener;
  Invitation invitation;
  if (host.rank() == 0) {
    listener = std::make_unique<Listener>();
    invitation = make_invitation(listener->port());
  }
  invitation = Invitation::parse(broadcast_string(host, invitation.text()));
  Peer centre;
  if (host.rank() != 0) centre = join(invitation, settings.beside_rank_0, host.rank());
  const std::int32_t mine = host.rank() == 0 || centre.connection.open();
  std::vector<std::int32_t> connected(static_cast<std::size_t>(host.size()));
  host.all_gather(&mine, connected.data(), 1, DataType::int32);
  std::vector<Peer> members;
  if (host.rank() == 0) {
    members = welcome(*listener, invitation.token, static_cast<std::size_t>(std::count(connected.begin() + 1, connected.end(), 1)));
    for (std::size_t r = 1; r < connected.size(); ++r) {
      const bool watched = std::any_of(members.begin(), members.end(), [&](const Peer& member) { return member.rank == static_cast<int>(r); });
      if (!watched) log_warning("rank " + std::to_string(r) + " cannot reach rank 0 by TCP: if it dies, only parallel.timeout_seconds will end the job");
    }
  }
  host.barrier();
  if (host.rank() == 0) return std::make_unique<HeartbeatCentre>(std::move(members), settings, std::move(log));
  if (!centre.connection.open()) return std::make_unique<Unwatched>(host.rank());
  return std::make_unique<HeartbeatMember>(host.rank(), std::move(centre), settings, std::move(log));
}

}  // namespace phidias::parallel
