// Whole talks: whatever a server says and however it is cut, the same outcome, the same answer, and
// a report that only holds what fits.
#include "base/text.h"
#include "fuzz/split.h"
#include "probe/conversation.h"

namespace {

using model::Depth;
using model::Observation;

struct Talk {
  Observation seen;
  std::string sent;
};

template <typename FeedAll>
Talk talk(Depth depth, FeedAll feed_all) {
  probe::Conversation conversation(depth, model::openssh_client_profile());
  Talk result;
  feed_all([&](std::string_view bytes) { conversation.feed(bytes, result.sent); });
  if (!conversation.done()) conversation.end(probe::End::closed);
  fuzz::require(conversation.done());
  const auto sent = result.sent;
  conversation.speak_first(result.sent);
  conversation.feed("SSH-2.0-late\r\n", result.sent);
  fuzz::require(result.sent == sent);  // nothing more once done
  conversation.report(result.seen);
  return result;
}

void require_bounded(const Observation& seen) {
  std::size_t kept = seen.unfinished.size() + seen.detail.size() + seen.other_protocol.size();
  for (const auto& line : seen.text) {
    fuzz::require(base::is_valid_utf8(line));
    kept += line.size();
  }
  if (seen.mismatch) kept += seen.mismatch->offered.size();
  fuzz::require(kept < 4096);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  for (auto depth : {Depth::connect, Depth::banner, Depth::kexinit}) {
    auto whole = talk(depth, [&](auto feed) { feed(input.message); });
    auto pieces = talk(depth, [&](auto feed) { input.in_pieces(feed); });
    fuzz::require(whole.seen.stage == pieces.seen.stage);
    fuzz::require(whole.seen.outcome == pieces.seen.outcome);
    fuzz::require(whole.seen.text == pieces.seen.text);
    fuzz::require(whole.seen.unfinished == pieces.seen.unfinished);
    fuzz::require(whole.seen.detail == pieces.seen.detail);
    fuzz::require(whole.seen.server.has_value() == pieces.seen.server.has_value());
    fuzz::require(whole.sent == pieces.sent);
    require_bounded(whole.seen);
  }
  return 0;
}
