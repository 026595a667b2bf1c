// However the network cuts a server's first lines, the reader says the same and keeps little of it.
#include "base/text.h"
#include "fuzz/split.h"
#include "probe/identification.h"

using probe::IdentificationReader;

namespace {

void require_same(const IdentificationReader& a, const IdentificationReader& b) {
  fuzz::require(a.state() == b.state());
  fuzz::require(a.server().protocol == b.server().protocol);
  fuzz::require(a.server().software == b.server().software);
  fuzz::require(a.server().comments == b.server().comments);
  fuzz::require(a.lines() == b.lines());
  fuzz::require(a.other_protocol() == b.other_protocol());
  fuzz::require(a.detail() == b.detail());
  fuzz::require(a.unfinished() == b.unfinished());
  fuzz::require(a.text_only() == b.text_only());
  fuzz::require(a.cut_short() == b.cut_short());
}

void require_bounded(const IdentificationReader& reader) {
  fuzz::require(reader.lines().size() <= IdentificationReader::kKeptLines + 1);
  for (const auto& line : reader.lines()) {
    fuzz::require(line.size() <= IdentificationReader::kKeptLineLength);
    fuzz::require(base::is_valid_utf8(line));
  }
  fuzz::require(reader.unfinished().size() <= IdentificationReader::kKeptLineLength);
  for (const auto* text :
       {&reader.server().protocol, &reader.server().software, &reader.server().comments}) {
    fuzz::require(text->size() <= IdentificationReader::kKeptVersionLength);
    fuzz::require(base::is_valid_utf8(*text));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  IdentificationReader whole;
  const auto consumed = whole.feed(input.message);
  IdentificationReader pieces;
  std::size_t consumed_pieces = 0;
  input.in_pieces([&](std::string_view piece) { consumed_pieces += pieces.feed(piece); });
  fuzz::require(consumed == consumed_pieces);
  require_same(whole, pieces);
  require_bounded(whole);
  whole.finish();
  pieces.finish();
  require_same(whole, pieces);
  require_bounded(whole);
  return 0;
}
