#include "web/status_page.h"

#include "base/text.h"

namespace web {

std::string_view status_page_style() { return ""; }

std::string render_status_page(const model::Snapshot& snapshot, const StatusPageRequest& request) {
  std::string page = "<!doctype html><title>ssh_refusal_exporter</title>";
  for (const auto& state : snapshot.targets) {
    page += "<p>" + base::escape_html(state->target->name);
  }
  return page + request.version;
}

}  // namespace web
