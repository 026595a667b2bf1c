// The client side of /-/healthy, for container health checks.
#pragma once

#include <string>

#include "base/result.h"

namespace web {

// Ok if `url` (http or https) answers 200 within a few seconds. A certificate is not verified: the
// check runs beside the server, which may have been given a name that localhost is not.
base::Result<void> check_health(const std::string& url);

}  // namespace web
