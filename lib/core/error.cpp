#include "core/error.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/names.hpp"

namespace symmbench {
namespace {

constexpr auto kPhases = name_table<Phase>({{Phase::start, "start"},
                                            {Phase::create, "create"},
                                            {Phase::export_handle, "export"},
                                            {Phase::exchange, "exchange"},
                                            {Phase::import_handle, "import"},
                                            {Phase::map, "map"},
                                            {Phase::multicast, "multicast"},
                                            {Phase::init, "init"},
                                            {Phase::verify, "verify"},
                                            {Phase::use, "use"},
                                            {Phase::close, "close"}});

constexpr auto kLayers = name_table<Layer>({{Layer::config, "config"},
                                            {Layer::environment, "environment"},
                                            {Layer::comm, "comm"},
                                            {Layer::driver, "driver"},
                                            {Layer::memory, "memory"},
                                            {Layer::workspace, "workspace"},
                                            {Layer::kernel, "kernel"},
                                            {Layer::verify, "verify"},
                                            {Layer::worker, "worker"},
                                            {Layer::supervisor, "supervisor"},
                                            {Layer::report, "report"}});

constexpr auto kReasons = name_table<Reason>({{Reason::invalid_argument, "invalid_argument"},
                                              {Reason::out_of_memory, "out_of_memory"},
                                              {Reason::not_supported, "not_supported"},
                                              {Reason::not_permitted, "not_permitted"},
                                              {Reason::not_ready, "not_ready"},
                                              {Reason::invalid_handle, "invalid_handle"},
                                              {Reason::illegal_state, "illegal_state"},
                                              {Reason::illegal_address, "illegal_address"},
                                              {Reason::capacity_exceeded, "capacity_exceeded"},
                                              {Reason::disagreement, "disagreement"},
                                              {Reason::timed_out, "timed_out"},
                                              {Reason::peer_failed, "peer_failed"},
                                              {Reason::wrong_data, "wrong_data"},
                                              {Reason::corrupted, "corrupted"},
                                              {Reason::crashed, "crashed"},
                                              {Reason::exited, "exited"},
                                              {Reason::interrupted, "interrupted"},
                                              {Reason::io_error, "io_error"},
                                              {Reason::internal, "internal"}});

/// 0 is the likeliest cause; see root_cause().
int suspicion(const Failure& failure) {
  switch (failure.reason) {
    case Reason::crashed:
    case Reason::exited:
      return 0;
    case Reason::timed_out:
      return 2;
    case Reason::peer_failed:
      return 3;
    default:
      return 1;
  }
}

Failure cause_of_phase(Phase phase, const std::vector<Failure>& failures) {
  if (failures.empty()) return {.detail = "a phase failed without a failure", .phase = phase};
  Failure cause = root_cause(failures);
  if (!cause.phase) cause.phase = phase;
  return cause;
}

}  // namespace

std::string_view name_of(Phase phase) { return kPhases.name(phase); }
std::optional<Phase> phase_from(std::string_view name) { return kPhases.value(name); }
std::string_view name_of(Layer layer) { return kLayers.name(layer); }
std::optional<Layer> layer_from(std::string_view name) { return kLayers.value(name); }
std::string_view name_of(Reason reason) { return kReasons.name(reason); }
std::optional<Reason> reason_from(std::string_view name) { return kReasons.value(name); }

std::string place_of(const Failure& failure) {
  if (!failure.rank) return {};
  std::string text = fmt::format("rank {}", *failure.rank);
  if (!failure.host.empty()) text += " on " + failure.host;
  if (failure.pid) text += fmt::format(", pid {}", *failure.pid);
  if (!failure.gpu.empty()) text += ", " + failure.gpu;
  return text;
}

std::string describe(const Failure& failure) {
  std::string where;
  if (failure.rank) where = fmt::format("rank {}", *failure.rank);
  if (failure.phase) where += fmt::format("{}phase {}", where.empty() ? "" : ", ", name_of(*failure.phase));
  std::string text =
      fmt::format("{}{}{}/{}", where, where.empty() ? "" : ": ", name_of(failure.layer), name_of(failure.reason));
  if (!failure.call.empty()) text += fmt::format(" in {}", failure.call);
  if (failure.code) text += fmt::format(" ({})", *failure.code);
  if (!failure.detail.empty()) text += ": " + failure.detail;
  return text;
}

Error::Error(Failure failure) : std::runtime_error(describe(failure)), failure_(std::move(failure)) {}

PhaseFailed::PhaseFailed(Phase phase, std::vector<Failure> failures)
    : Error(cause_of_phase(phase, failures)), phase_(phase), failures_(std::move(failures)) {}

const Failure& root_cause(const std::vector<Failure>& failures) {
  return *std::min_element(failures.begin(), failures.end(),
                           [](const Failure& a, const Failure& b) { return suspicion(a) < suspicion(b); });
}

}  // namespace symmbench
