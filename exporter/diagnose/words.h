// The evidence in words: what was seen, most basic first, in short sentences for an administrator.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/case.h"

namespace diagnose {

// Peers choose their texts; what is quoted of one, and a whole line, stay readable.
inline constexpr std::size_t kQuoteLimit = 120;
inline constexpr std::size_t kLineLimit = 700;
inline constexpr std::size_t kQuotedLines = 3;

std::string concat(std::initializer_list<std::string_view> parts);
// In single quotes, printable, cut at kQuoteLimit.
std::string quote(std::string_view text);
// "No route to host (EHOSTUNREACH)"
std::string errno_words(int error);
// "port 22"
std::string port_words(std::uint16_t port);

// The name, its addresses, and those that were left out.
void explain_name(const model::Target& target, const model::ProbeResult& probe,
                  std::vector<std::string>& lines);
void explain_skipped(const model::ProbeResult& probe, std::vector<std::string>& lines);
// The connection and how far it got.
void explain_connection(const Case& c, std::vector<std::string>& lines);
// The other ports of the address.
void explain_checks(const Case& c, std::vector<std::string>& lines);

}  // namespace diagnose
