#include "probe/connection.h"

#include <netinet/ip_icmp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "probe/error_queue.h"

namespace probe {

using base::EventLoop;
using model::Outcome;
using model::Stage;

namespace {

// A server that speaks SSH sends its identification at once; one that waits for the client (HTTP,
// some multiplexers) is addressed after this long.
constexpr auto kSpeakAfter = std::chrono::seconds(1);
// One read takes at most this much; a peer that sends more without end meets the conversation's
// limits.
constexpr std::size_t kReadSize = 16384;

// The own machine's output rules answer with these, in place of an answer from the network.
bool administrative(const model::IcmpError& icmp) {
  if (icmp.family == base::IpFamily::ipv4) {
    return icmp.type == ICMP_DEST_UNREACH &&
           (icmp.code == ICMP_PROT_UNREACH || icmp.code == ICMP_PORT_UNREACH ||
            icmp.code == ICMP_NET_ANO || icmp.code == ICMP_HOST_ANO ||
            icmp.code == ICMP_PKT_FILTERED);
  }
  return icmp.type == 1 && (icmp.code == 1 || icmp.code == 4 || icmp.code == 5 || icmp.code == 6);
}

// With an error queue an ICMP error of an established connection is reported, once and without an
// entry in the queue (Linux tcp_v4_err()); the connection lives on.
bool passing(int error) {
  constexpr std::array kFromIcmp{EHOSTUNREACH, ENETUNREACH, ECONNREFUSED, ENOPROTOOPT, EACCES,
                                 EPROTO,       EOPNOTSUPP,  EHOSTDOWN,    ENONET,      EMSGSIZE};
  return std::find(kFromIcmp.begin(), kFromIcmp.end(), error) != kFromIcmp.end();
}

}  // namespace

Connection::Connection(EventLoop& loop, const Request& request, Done done)
    : loop_(loop),
      request_(request),
      done_(std::move(done)),
      conversation_(request.depth, *request.client) {}

Connection::~Connection() {
  if (state_ == State::idle || state_ == State::finished) return;
  loop_.cancel(deadline_timer_);
  if (silence_timer_) loop_.cancel(*silence_timer_);
  if (registered_) loop_.forget(socket_.get());
}

void Connection::start() {
  stage_started_ = loop_.clock().steady();
  state_ = State::connecting;
  deadline_timer_ = loop_.at(request_.deadline, [this] { on_deadline(); });
  if (!open_socket()) return;
  sockaddr_storage storage;
  auto length = request_.address.to_sockaddr(request_.port, storage);
  int result = ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&storage), length);
  int error = result == 0 ? 0 : errno;
  if (error != 0 && error != EINPROGRESS) {
    // Told later: whoever starts a connection is not called back before start() has returned.
    loop_.cancel(deadline_timer_);
    deadline_timer_ = loop_.at(stage_started_, [this, error] { fail_connect(error); });
    return;
  }
  // Edge-triggered: one registration serves connecting, reading and the end.
  int refused = loop_.try_add(socket_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
  registered_ = refused == 0;
  if (!registered_) fail_locally_later(refused);
}

bool Connection::fail_locally_later(int error) {
  loop_.cancel(deadline_timer_);
  deadline_timer_ = loop_.at(stage_started_, [this, error] { local_failure(error); });
  return false;
}

bool Connection::open_socket() {
  int family = request_.address.is_v4() ? AF_INET : AF_INET6;
  socket_ = base::Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.valid()) return fail_locally_later(errno);
  enable_error_queue(socket_.get(), request_.address.family());
  const auto& source = request_.source_address;
  if (source && source->family() == request_.address.family()) {
    int on = 1;
    // The port is chosen at connect(), by the whole connection: more of them than ports may exist.
    setsockopt(socket_.get(), SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_storage storage;
    auto length = source->to_sockaddr(0, storage);
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) {
      return fail_locally_later(errno);
    }
  }
  return true;
}

EventLoop::Progress Connection::ready(std::uint32_t events) {
  if (state_ == State::connecting) {
    if (!finish_connect(events)) return EventLoop::Progress::some;
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) {
    return EventLoop::Progress::some;  // only writable: the edge after connecting
  }
  read_available();
  return EventLoop::Progress::some;  // an edge is reported once, whether or not it brought bytes
}

// True if the connection stands and this object still lives.
bool Connection::finish_connect(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    int error = 0;
    if (auto queued = take_queued_error(socket_.get())) {
      error = queued->error;
      seen_.icmp = queued->icmp;
    }
    int pending = 0;
    socklen_t length = sizeof pending;
    getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &pending, &length);
    if (error == 0) error = pending;
    // Accepted, and reset or closed before we looked: a refused attempt gives ECONNREFUSED.
    if (error == ECONNRESET || error == EPIPE) {
      was_reset_ = error == ECONNRESET;
      return connected(loop_.clock().steady());
    }
    if (error != 0) {
      fail_connect(error);
      return false;
    }
    if ((events & EPOLLHUP) != 0) {
      fail_connect(ECONNRESET);  // closed under us without a word of why
      return false;
    }
  }
  if ((events & EPOLLOUT) == 0) return false;
  return connected(loop_.clock().steady());
}

// Like finish_connect(): a connection that needed no talk has completed and may be gone.
bool Connection::connected(base::SteadyTime now) {
  state_ = State::talking;
  seen_.phases.set(Stage::connect, now - stage_started_);
  stage_started_ = now;
  if (conversation_.done()) {
    complete();
    return false;
  }
  schedule_silence();
  return true;
}

void Connection::schedule_silence() {
  auto half = (request_.deadline - stage_started_) / 2;
  auto when = stage_started_ + std::min<base::Duration>(kSpeakAfter, half);
  silence_timer_ = loop_.at(when, [this] { on_silence(); });
}

void Connection::on_silence() {
  silence_timer_.reset();
  std::string out;
  conversation_.speak_first(out);
  send(out);
  if (conversation_.done()) complete();
}

void Connection::read_available() {
  std::array<char, kReadSize> buffer;  // NOLINT: filled by recv
  while (true) {
    auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count == 0) {
      ended(was_reset_ ? End::reset : End::closed, was_reset_ ? ECONNRESET : 0);
      return;
    }
    if (count < 0) {
      int error = errno;
      if (passing(error)) continue;
      ended(End::reset, error);
      return;
    }
    const auto now = loop_.clock().steady();
    const auto before = conversation_.stage();
    std::string out;
    conversation_.feed({buffer.data(), static_cast<std::size_t>(count)}, out);
    send(out);
    note_progress(before, now);
    if (conversation_.done()) {
      complete();
      return;
    }
  }
}

void Connection::send(const std::string& bytes) {
  // A hundred bytes into an empty send buffer: it takes them whole, or the connection is dead and
  // the next read says how.
  if (!bytes.empty()) {
    [[maybe_unused]] auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
}

void Connection::note_progress(Stage before, base::SteadyTime now) {
  const auto after = conversation_.stage();
  if (after != before) {
    seen_.phases.set(before, now - stage_started_);
    // Identification and key exchange offer in one segment.
    bool skipped =
        before == Stage::banner && after == Stage::done && request_.depth == model::Depth::kexinit;
    if (skipped) seen_.phases.set(Stage::kexinit, base::Duration::zero());
    stage_started_ = now;
  }
}

void Connection::on_deadline() {
  if (state_ == State::connecting) {
    seen_.stage = Stage::connect;
    seen_.outcome = Outcome::timeout;
    // An ICMP error that did not end the connection attempt still tells who spoke.
    if (auto queued = take_queued_error(socket_.get()); queued && queued->icmp) {
      seen_.icmp = queued->icmp;
      fail_connect(queued->error);
      return;
    }
    complete();
    return;
  }
  ended(End::timeout, 0);
}

void Connection::stuck() {
  registered_ = false;  // the loop has let go of it
  local_failure(EIO);
}

void Connection::ended(End reason, int error) {
  seen_.error = error;
  conversation_.end(reason);
  complete();
}

void Connection::note_local_address() {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (!socket_.valid()) return;
  if (getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return;
  auto address = base::IpAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage));
  if (address && !address->is_unspecified()) seen_.local_address = address;
}

void Connection::fail_connect(int error) {
  if (!seen_.icmp) {
    if (auto queued = take_queued_error(socket_.get())) {
      seen_.icmp = queued->icmp;
      error = queued->error;
    }
  }
  note_local_address();
  seen_.stage = Stage::connect;
  seen_.error = error;
  const bool own = seen_.icmp && seen_.local_address == seen_.icmp->offender &&
                   seen_.icmp->offender != request_.address;
  if (seen_.icmp) {
    seen_.outcome =
        own && administrative(*seen_.icmp) ? Outcome::local_error : Outcome::rejected_icmp;
  } else if (error == ECONNREFUSED || error == ECONNRESET) {
    seen_.outcome = Outcome::refused_rst;
  } else if (error == ETIMEDOUT) {
    seen_.outcome = Outcome::timeout;
  } else {
    seen_.outcome = Outcome::local_error;
  }
  complete();
}

void Connection::local_failure(int error) {
  seen_.stage = Stage::connect;
  seen_.outcome = Outcome::local_error;
  seen_.error = error;
  complete();
}

void Connection::complete() {
  const auto now = loop_.clock().steady();
  seen_.waited = now - stage_started_;
  if (state_ == State::talking) conversation_.report(seen_);
  loop_.cancel(deadline_timer_);
  if (silence_timer_) loop_.cancel(*silence_timer_);
  silence_timer_.reset();
  if (std::exchange(registered_, false)) loop_.forget(socket_.get());
  socket_.reset();
  state_ = State::finished;
  auto done = std::move(done_);
  done(std::move(seen_));
}

}  // namespace probe
