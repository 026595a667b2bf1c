// Where the samples of one metric go: a page, with labels that all of them have.
#pragma once

#include <initializer_list>
#include <string_view>

#include "metrics/exposition.h"

namespace metrics {

class Samples {
 public:
  Samples(Exposition& page, std::string_view common) : page_(page), common_(common) {}
  void add(std::initializer_list<Label> labels, const Value& value) {
    page_.sample(common_, labels, value);
  }

 private:
  Exposition& page_;
  std::string_view common_;
};

}  // namespace metrics
