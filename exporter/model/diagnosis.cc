#include "model/diagnosis.h"

namespace model {

const char* name_of(ResponderRole role) {
  switch (role) {
    case ResponderRole::target:
      return "target";
    case ResponderRole::path:
      return "path";
    case ResponderRole::self:
      return "self";
    case ResponderRole::unknown:
      return "unknown";
  }
  return "";
}

}  // namespace model
