// From what a probe saw to why: an ordered table of rules, the first that is proved wins.
// Pure: no I/O, no clock, the same answer for the same evidence.
#pragma once

#include "model/diagnosis.h"
#include "model/probe_result.h"
#include "model/target.h"

namespace diagnose {

// Exactly one cause, never a finer one than the evidence proves. Never throws for bad evidence:
// what contradicts itself is Cause::unknown.
model::Diagnosis diagnose(const model::Target& target, const model::ProbeResult& result);

}  // namespace diagnose
