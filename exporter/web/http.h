// Requests and responses as plain values, without a server: what routes.h works on.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace web {

using Fields = std::vector<std::pair<std::string, std::string>>;
using Sink = std::function<void(std::string_view)>;

struct Request {
  std::string method;
  std::string path;  // percent-decoded
  Fields query;      // percent-decoded, in the order given
  Fields headers;

  // The first such header, by name without regard to case; null if there is none.
  [[nodiscard]] const std::string* header(std::string_view name) const;
  // The first such query parameter; null if there is none.
  [[nodiscard]] const std::string* parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  Fields headers;
  std::string body;
  std::function<void(const Sink&)> stream;  // writes the body instead, piece by piece
};

Response text_response(int status, std::string_view line);
const char* reason_phrase(int status);

// Strict: an error for a malformed escape or an encoded NUL.
base::Result<std::string> percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);
base::Result<Fields> parse_query(std::string_view query);
// RFC 9110 12.5.3: true if gzip is acceptable and not less welcome than no coding at all.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace web
