#include "model/snapshot.h"

#include <cassert>

namespace model {

Histogram& FleetState::phase(Stage stage) {
  switch (stage) {
    case Stage::resolve:
      return resolve;
    case Stage::connect:
      return connect;
    case Stage::banner:
      return banner;
    case Stage::kexinit:
      return kexinit;
    case Stage::done:
      break;
  }
  assert(!"done is not a phase");
  return kexinit;
}

const Histogram& FleetState::phase(Stage stage) const {
  return const_cast<FleetState*>(this)->phase(stage);  // NOLINT: the same switch, read only
}

}  // namespace model
