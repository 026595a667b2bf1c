// The table of rules for one address. Order matters: the first rule that is proved and not refuted
// decides. The last rule is always proved, so exactly one does.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "diagnose/case.h"
#include "model/cause.h"

namespace diagnose {

struct Rule {
  model::Cause cause;
  model::Confidence confidence;  // one step lower if an ICMP error is only remembered
  bool (*needs)(const Case&);
  bool (*refuted_by)(const Case&) = nullptr;  // null if nothing can
  std::string_view because;  // what this rests on, and why nothing finer is claimed
  std::string (*particulars)(const Case&) = nullptr;  // facts of this case to go with it
  std::string (*fix)(const Case&);
};

std::span<const Rule> rules();

// Never null.
const Rule* decide(const Case& c);
model::Confidence confidence_of(const Rule& rule, const Case& c);

}  // namespace diagnose
