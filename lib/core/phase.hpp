#pragma once
#include <optional>
#include <string_view>

namespace symmbench {

/// Where in the life of a case a rank is. The lifecycle phases, in order, are create ... close; start and
/// measure frame them.
enum class Phase {
  start,          ///< worker start, backend, facts
  create,         ///< physical memory
  export_handle,  ///< shareable handle of own memory; "export" in text
  exchange,       ///< handles travel between ranks
  import_handle,  ///< peers' handles become memory here; "import" in text
  map,            ///< reserve, map, set access
  multicast,      ///< multicast object, where asked
  init,           ///< patterns, flags, control block, then synchronize and barrier
  verify,         ///< ownership test and pattern scan before use; comparison of results after
  use,            ///< kernels
  close,          ///< synchronize, barrier, unmap, release
};

inline constexpr Phase kAllPhases[] = {Phase::start,         Phase::create, Phase::export_handle, Phase::exchange,
                                       Phase::import_handle, Phase::map,    Phase::multicast,     Phase::init,
                                       Phase::verify,        Phase::use,    Phase::close};

std::string_view name_of(Phase phase);
std::optional<Phase> phase_from(std::string_view name);

}  // namespace symmbench
