// What strangers put into a request line and its headers, and into text that ends up on pages.

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "metrics/exposition.h"
#include "web/http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  web::accepts_gzip(text);
  if (auto query = web::parse_query(text)) {
    for (const auto& [name, value] : *query) {
      assert(web::percent_decode(web::percent_encode(value), true).value() == value);
    }
  }
  std::string label;
  metrics::render_label(label, {"a", text});
  assert(base::is_valid_utf8(label));
  // One label, whatever is in it: no line end and no quote that is not escaped.
  for (std::size_t i = 3; i + 1 < label.size(); ++i) {
    assert(label[i] != '\n' && label[i] != '"');
    if (label[i] == '\\') ++i;
  }
  return 0;
}
