// However the network cuts a server's packets, the reader says the same; what it reads can be
// compared with a client's lists without harm.
#include "base/text.h"
#include "fuzz/split.h"
#include "probe/kexinit.h"

using probe::KexinitReader;

namespace {

void require_same(const KexinitReader& a, const KexinitReader& b) {
  fuzz::require(a.state() == b.state());
  fuzz::require(a.detail() == b.detail());
  fuzz::require(a.lists().kex_algorithms == b.lists().kex_algorithms);
  fuzz::require(a.lists().compression_server_to_client == b.lists().compression_server_to_client);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  KexinitReader whole;
  whole.feed(input.message);
  KexinitReader pieces;
  input.in_pieces([&](std::string_view piece) { pieces.feed(piece); });
  require_same(whole, pieces);
  fuzz::require(base::is_valid_utf8(whole.detail()) && whole.detail().size() <= 160);
  const auto& client = model::openssh_client_profile();
  if (whole.state() == KexinitReader::State::complete) find_mismatch(client, whole.lists());
  if (auto lists = probe::parse_kexinit(input.message)) {
    auto mismatch = find_mismatch(client, *lists);
    if (mismatch) fuzz::require(base::is_valid_utf8(mismatch->offered));
  }
  // The same bytes as the body of a well-formed packet, so that the search need not find the frame.
  std::string payload = "\x14" + std::string(input.message);
  std::size_t padding = 4;
  while ((5 + payload.size() + padding) % 8 != 0) ++padding;
  const auto length = static_cast<std::uint32_t>(1 + payload.size() + padding);
  std::string packet;
  for (unsigned shift : {24U, 16U, 8U, 0U}) packet += static_cast<char>((length >> shift) & 0xffU);
  packet += static_cast<char>(padding) + payload + std::string(padding, '\0');
  KexinitReader framed;
  framed.feed(packet);
  fuzz::require(framed.state() == (probe::parse_kexinit(input.message).ok()
                                       ? KexinitReader::State::complete
                                       : KexinitReader::State::malformed));
  return 0;
}
