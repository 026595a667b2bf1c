// The page for people: every target with its cause, evidence and fix. Pure: a snapshot in, HTML
// out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/snapshot.h"

namespace web {

struct StatusPageRequest {
  std::optional<model::Cause> cause;  // show only the targets with this cause
  std::string search;                 // show only the targets whose names contain this
  std::size_t page = 1;               // 1 is the first; past the end shows the last
  std::string base;  // before every link's path: "", "/prefix", "https://…/prefix"
  std::string telemetry_path;
  std::string version;
  base::WallTime now;
};

std::string render_status_page(const model::Snapshot& snapshot, const StatusPageRequest& request);
// The page's only style sheet, verbatim between its tags: for the hash in Content-Security-Policy.
std::string_view status_page_style();

}  // namespace web
