#include "web/http.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace web {

namespace {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Splits off the part before `separator`.
std::string_view take_until(std::string_view& rest, char separator) {
  auto end = std::min(rest.find(separator), rest.size());
  auto part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// The q parameter among `parameters`; 1 without one, 0 for nonsense.
double quality(std::string_view parameters) {
  while (!parameters.empty()) {
    auto parameter = trim(take_until(parameters, ';'));
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    parameter.remove_prefix(2);
    double value = 0;
    auto [end, error] =
        std::from_chars(parameter.data(), parameter.data() + parameter.size(), value);
    bool whole = error == std::errc{} && end == parameter.data() + parameter.size();
    return whole && value >= 0 && value <= 1 ? value : 0;
  }
  return 1;
}

}  // namespace

const std::string* Request::header(std::string_view name) const {
  auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& field) {
    return equal_ignoring_case(field.first, name);
  });
  return found == headers.end() ? nullptr : &found->second;
}

const std::string* Request::parameter(std::string_view name) const {
  auto found = std::find_if(query.begin(), query.end(),
                            [&](const auto& field) { return field.first == name; });
  return found == query.end() ? nullptr : &found->second;
}

Response text_response(int status, std::string_view line) {
  Response response;
  response.status = status;
  response.body = std::string(line) + "\n";
  return response;
}

const char* reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

base::Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] == '%') {
      unsigned byte = 0;
      const char* begin = text.data() + i + 1;
      const char* limit = text.data() + std::min(i + 3, text.size());
      auto [end, error] = std::from_chars(begin, limit, byte, 16);
      if (error != std::errc{} || end != begin + 2) {
        return base::Error{"a percent sign must be followed by two hexadecimal digits"};
      }
      if (byte == 0) return base::Error{"an encoded NUL means nothing here"};
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool unreserved =
        byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~');
    if (unreserved) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 0xf];
    }
  }
  return encoded;
}

base::Result<Fields> parse_query(std::string_view query) {
  Fields fields;
  while (!query.empty()) {
    auto value = take_until(query, '&');
    if (value.empty()) continue;
    auto name = take_until(value, '=');
    auto decoded_name = percent_decode(name, true);
    if (!decoded_name) return base::Error{decoded_name.error()};
    auto decoded_value = percent_decode(value, true);
    if (!decoded_value) return base::Error{decoded_value.error()};
    fields.emplace_back(std::move(decoded_name).value(), std::move(decoded_value).value());
  }
  return fields;
}

bool accepts_gzip(std::string_view accept_encoding) {
  double gzip = -1;
  double identity = 0;
  double any = -1;
  while (!accept_encoding.empty()) {
    auto parameters = take_until(accept_encoding, ',');
    auto coding = trim(take_until(parameters, ';'));
    if (equal_ignoring_case(coding, "gzip")) gzip = quality(parameters);
    if (equal_ignoring_case(coding, "identity")) identity = quality(parameters);
    if (coding == "*") any = quality(parameters);
  }
  if (gzip < 0) gzip = any;
  return gzip > 0 && gzip >= identity;
}

}  // namespace web
