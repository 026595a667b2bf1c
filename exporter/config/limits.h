// How much a configuration may hold. Each bound is far above what people write and keeps a wrong
// file (a log in the wrong place, a generator gone wild) from costing more than an error.
#pragma once

#include <chrono>
#include <cstddef>

namespace config {

// 100,000 targets with two labels each are 13 MB of indented JSON; five times that.
inline constexpr std::size_t kFileBytesLimit = 64U << 20U;
// Twice the longest list that is tested. One loop probes some 10,000 targets in a second at best,
// so more cannot keep an interval of less than half a minute anyway.
inline constexpr std::size_t kTargetLimit = 200'000;
// The deepest place of the format is 4 below the top; yaml-cpp itself recurses for each level.
inline constexpr std::size_t kDepthLimit = 16;
// What copies by aliases may add: 9 short lines of aliases of aliases would else be gigabytes.
inline constexpr std::size_t kAliasBytesLimit = 16U << 20U;

// A cause that is older than a week misleads whoever reads it.
inline constexpr std::chrono::milliseconds kLongestInterval = std::chrono::hours(7 * 24);
// One thread serves all targets: more often than each second is a load test, not monitoring.
inline constexpr std::chrono::milliseconds kShortestInterval = std::chrono::seconds(1);

// Follow-up connections to an address are a second apart, so a minute's timeout sees no more.
inline constexpr std::size_t kPortLimit = 16;
// OpenSSH knows fewer than 32 of each kind.
inline constexpr std::size_t kAlgorithmLimit = 64;
inline constexpr std::size_t kAlgorithmNameLimit = 64;  // RFC 4251 section 6
// Searched one by one for each /probe.
inline constexpr std::size_t kNetworkLimit = 1024;
inline constexpr std::size_t kModuleLimit = 1024;
inline constexpr std::size_t kModuleNameLimit = 64;  // part of a URL
// Each pattern's directory takes an inotify watch; max_user_watches began at 8192.
inline constexpr std::size_t kPatternLimit = 256;
inline constexpr std::size_t kPatternBytesLimit = 4096;  // PATH_MAX
inline constexpr std::size_t kMatchLimit = 4096;         // files of one pattern

// Labels repeat in each of a target's 20 series: at these limits a target is 700 KB of a page.
inline constexpr std::size_t kLabelLimit = 32;
inline constexpr std::size_t kLabelNameLimit = 128;
inline constexpr std::size_t kLabelValueLimit = 1024;

// A list that is wrong in the same way a thousand times fills one screen, not the log.
inline constexpr std::size_t kWarningLimit = 10;

}  // namespace config
