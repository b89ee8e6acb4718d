#pragma once
#include "report/record_set.hpp"

namespace symmbench {

/// What devices and hosts said of themselves while case groups ran: evidence for what became of these.

/// fabric.samples: of each rank's device, around each group.
Json fold_samples(const RecordSet& records);

/// fabric.kernel_log: by host, of which one rank's supervisor read it.
Json fold_kernel_log(const RecordSet& records);

}  // namespace symmbench
