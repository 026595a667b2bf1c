// From this host's own facts to why a new connection would fail. Pure, like diagnose.h.
#pragma once

#include "model/diagnosis.h"
#include "model/host_report.h"
#include "model/probe_result.h"
#include "model/target.h"

namespace diagnose {

// Exactly one cause; what cannot be proved for lack of facts is not claimed.
model::HostDiagnosis diagnose_host(const model::HostReport& report,
                                   const model::HostQuestion& question);

// Fills in what follows from the facts: bindings, and the diagnosis for anybody.
void conclude(model::HostReport& report);

// All addresses that were probed are this host's own. `report` may be null: then not all are known.
bool is_own_host(const model::ProbeResult& result, const model::HostReport* report);
// A failed probe of this host itself, with the host's own facts: its cause in place of the wider
// one where both fit together; else the probe's own diagnosis, which then says what the facts say.
model::Diagnosis refine(model::Diagnosis diagnosis, const model::Target& target,
                        const model::ProbeResult& result, const model::HostReport& report);

}  // namespace diagnose
