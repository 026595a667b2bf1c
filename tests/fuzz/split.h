// Fuzzed input as a message and the places where the network cuts it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace fuzz {

// The first byte seeds the cuts, the rest is the message; empty input has neither.
struct Input {
  Input(const std::uint8_t* data, std::size_t size)
      : message(reinterpret_cast<const char*>(data), size) {
    if (message.empty()) return;
    seed = data[0];
    message.remove_prefix(1);
  }

  // Calls `feed` with one piece after another: seed 0 cuts at every byte.
  template <typename Feed>
  void in_pieces(Feed feed) const {
    std::uint32_t state = seed;
    for (std::size_t at = 0; at < message.size();) {
      state = state * 1'103'515'245 + 12'345;
      const std::size_t length = seed == 0 ? 1 : 1 + (state >> 16) % (seed + 1);
      feed(message.substr(at, length));
      at += std::min(length, message.size() - at);
    }
  }

  std::uint32_t seed = 0;
  std::string_view message;
};

inline void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace fuzz
