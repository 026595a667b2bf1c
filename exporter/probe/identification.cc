#include "probe/identification.h"

#include <array>

#include "base/text.h"

namespace probe {

namespace {

struct Greeting {
  std::string_view prefix;
  std::string_view contains;  // empty: the prefix is enough
  std::string_view protocol;
};

// The first line (or bytes) of services found on ports where SSH was expected. Order matters.
constexpr auto kGreetings = std::to_array<Greeting>({
    {"HTTP/", "", "HTTP"},
    {"<!DOCTYPE", "", "HTTP"},
    {"<html", "", "HTTP"},
    {"220", "SMTP", "SMTP"},
    {"220", "FTP", "FTP"},
    {"220 ", "", "SMTP or FTP"},
    {"421 ", "", "SMTP or FTP"},
    {"554 ", "", "SMTP"},
    {"220-", "", "SMTP or FTP"},
    {"+OK", "", "POP3"},
    {"* OK", "", "IMAP"},
    {"* BYE", "", "IMAP"},
    {"RFB 00", "", "VNC"},
    {"@RSYNCD:", "", "rsync"},
    {"-ERR ", "", "Redis"},
    {"-DENIED ", "", "Redis"},
    {"ERROR :", "", "IRC"},
    {"AMQP", "", "AMQP"},
});

// Services that start with binary: recognised before any newline.
struct Magic {
  std::string_view bytes;
  std::string_view protocol;
};
constexpr auto kMagics = std::to_array<Magic>({
    {{"\x15\x03", 2}, "TLS"},  // alert, RFC 8446 5.1
    {{"\x16\x03", 2}, "TLS"},  // handshake
    {{"\xff\xfd", 2}, "Telnet"},
    {{"\xff\xfb", 2}, "Telnet"},
    {{"\x03\x00\x00", 3}, "RDP"},  // TPKT, RFC 1006
});

std::string_view recognise_binary(std::string_view bytes) {
  for (const auto& magic : kMagics) {
    if (bytes.starts_with(magic.bytes)) return magic.protocol;
  }
  // MySQL's greeting: a 3-byte length, sequence 0, then protocol version 10 or the mark of an
  // error.
  if (bytes.size() >= 5 && bytes[3] == '\0' && (bytes[4] == '\x0a' || bytes[4] == '\xff')) {
    return "MySQL";
  }
  return {};
}

std::string_view recognise_line(std::string_view line) {
  for (const auto& greeting : kGreetings) {
    if (line.starts_with(greeting.prefix) &&
        line.find(greeting.contains) != std::string_view::npos) {
      return greeting.protocol;
    }
  }
  return {};
}

bool binary(char c) {
  auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\r' && c != '\n' && c != '\x1b') || byte == 0x7f;
}

constexpr std::size_t kMagicLength = 5;
constexpr std::string_view kPrefix = "SSH-";
constexpr std::string_view kHttp = "HTTP";
constexpr const char* kGreetingOfAnother = "the greeting of another protocol";

}  // namespace

void IdentificationReader::reject(std::string detail) {
  state_ = State::not_ssh;
  detail_ = std::move(detail);
}

std::size_t IdentificationReader::feed(std::string_view bytes) {
  std::size_t consumed = 0;
  while (consumed < bytes.size() && state_ == State::reading) {
    char c = bytes[consumed++];
    if (c == '\n') {
      // MySQL's version byte is a newline; its first four bytes hold a NUL that no line has.
      if (line_count_ == 0 && line_.size() == 4 && !recognise_binary(line_ + '\n').empty()) {
        other_protocol_ = recognise_binary(line_ + '\n');
        reject("binary data");
      } else {
        end_line();
      }
      continue;
    }
    if (c == '\r') {
      carriage_return_ = true;
      continue;
    }
    if (carriage_return_) {
      reject("a carriage return inside a line");
      continue;
    }
    if (binary(c)) text_only_ = false;
    line_ += c;
    if (line_count_ == 0 && line_.size() <= kMagicLength) {
      if (auto protocol = recognise_binary(line_); !protocol.empty()) {
        other_protocol_ = protocol;
        reject("binary data");
        continue;
      }
    }
    if (c == '\0' && line_.size() > kMagicLength) reject("a NUL byte");
    if (line_.size() > kLineLength) reject("a line longer than 8192 bytes");
  }
  return consumed;
}

std::string IdentificationReader::unfinished() const {
  return base::printable(line_, kKeptLineLength);
}

bool IdentificationReader::cut_short() const {
  if (line_.size() >= kPrefix.size()) return line_.starts_with(kPrefix);
  return !line_.empty() && kPrefix.starts_with(line_);
}

void IdentificationReader::finish() {
  if (state_ == State::reading && !line_.empty()) end_line();
  if (state_ == State::reading && !other_protocol_.empty()) reject(kGreetingOfAnother);
}

void IdentificationReader::end_line() {
  carriage_return_ = false;
  std::string line = std::move(line_);
  line_.clear();
  ++line_count_;
  if (line.starts_with(kPrefix)) {
    identify(line);
    return;
  }
  if (lines_.size() < kKeptLines) lines_.push_back(base::printable(line, kKeptLineLength));
  if (line.find('\0') != std::string::npos) {
    reject("a NUL byte");
  } else if (line_count_ >= kLineLimit) {
    reject("1024 lines without an identification");
  } else if (line_count_ == 1) {
    // Only remembered: an SSH server may write anything before its identification (RFC 4253 4.2).
    // A status line of HTTP is unmistakable, and an answer to ours.
    other_protocol_ = recognise_line(line);
    if (other_protocol_ == kHttp) reject(kGreetingOfAnother);
  }
}

// SSH-protoversion-softwareversion SP comments, RFC 4253 4.2; 1.99 means 2.0 with SSH 1 beside it
// (5.1).
void IdentificationReader::identify(std::string_view line) {
  line.remove_prefix(kPrefix.size());
  auto dash = line.find('-');
  if (dash == std::string_view::npos || dash == 0 || dash + 1 == line.size()) {
    lines_.push_back(base::printable("SSH-" + std::string(line), kKeptLineLength));
    reject("a malformed SSH identification");
    return;
  }
  auto version = line.substr(0, dash);
  auto rest = line.substr(dash + 1);
  auto space = rest.find(' ');
  server_.protocol = base::printable(version, kKeptVersionLength);
  server_.software = base::printable(rest.substr(0, space), kKeptVersionLength);
  if (space != std::string_view::npos) {
    server_.comments = base::printable(rest.substr(space + 1), kKeptVersionLength);
  }
  if (version.starts_with("2.") || version == "1.99") {
    state_ = State::identified;
    other_protocol_.clear();
  } else if (version.starts_with("1.")) {
    state_ = State::unsupported_version;
  } else {
    reject("an unknown SSH protocol version");
  }
}

}  // namespace probe
