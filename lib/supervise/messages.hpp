#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "comm/faulty_socket.hpp"
#include "comm/message_kinds.hpp"
#include "comm/round_messages.hpp"
#include "core/json.hpp"
#include "supervise/group_coordinator.hpp"
#include "supervise/work.hpp"

namespace symmbench {

/// What goes over a worker's channel and, with the kind in front, between supervisors. Rounds travel in their own
/// encoding (comm/round_messages.hpp), everything else is JSON: it is rare and worth reading in a debugger.
namespace message {
inline constexpr std::uint32_t kWork = kFirstSuperviseKind;        ///< supervisor -> worker: WorkerAssignment
inline constexpr std::uint32_t kRecord = kFirstSuperviseKind + 1;  ///< worker -> supervisor -> rank 0: a journal record
inline constexpr std::uint32_t kItemDone = kFirstSuperviseKind + 2;  ///< the same way: {attempt, index}
inline constexpr std::uint32_t kDone = kFirstSuperviseKind + 3;      ///< the same way: {attempt, stopped_by}
inline constexpr std::uint32_t kFailed =
    kFirstSuperviseKind + 4;  ///< the same way, then also {seen}: {attempt, failures}
inline constexpr std::uint32_t kStart = kFirstSuperviseKind + 5;  ///< rank 0 -> supervisor: WorkRequest
inline constexpr std::uint32_t kStop = kFirstSuperviseKind + 6;   ///< rank 0 -> supervisor: {attempt}
inline constexpr std::uint32_t kStopped =
    kFirstSuperviseKind + 7;  ///< supervisor -> rank 0: {attempt, end, page, process, seen}
inline constexpr std::uint32_t kDied = kFirstSuperviseKind + 8;          ///< supervisor -> rank 0: {attempt, end, seen}
inline constexpr std::uint32_t kHung = kFirstSuperviseKind + 9;          ///< supervisor -> rank 0: {attempt, seen}
inline constexpr std::uint32_t kInterrupted = kFirstSuperviseKind + 10;  ///< supervisor -> rank 0, last words: {signal}
inline constexpr std::uint32_t kFinish = kFirstSuperviseKind + 11;    ///< rank 0 -> supervisor: {exit_code, farewell}
inline constexpr std::uint32_t kFinished = kFirstSuperviseKind + 12;  ///< supervisor -> rank 0: {}
/// rank 0 -> supervisor and back, every deadline::kBeat_s: ProcessIdentity and {now_ns}, the sender's clock; from rank 0 also
/// {within_s}: when the next one is due; to rank 0 also {leader_sent_ns, leader_heard_ns}: its last sign, and when it came
inline constexpr std::uint32_t kAlive = kFirstSuperviseKind + 13;
}  // namespace message

/// The first thing a worker hears.
struct WorkerAssignment {
  WorkRequest request;
  RoundScope scope;
  int world_rank = 0;
  double round_s = 0;
  std::string job_nonce;
  std::vector<ChannelFault> channel_faults;  ///< that strike the worker's end of its channel from here on
};
Json to_json(const WorkerAssignment& assignment);
/// @throws Error{supervisor, invalid_argument}
WorkerAssignment worker_assignment_from(const Json& json);

Json to_json(const WorkerEnd& end);
WorkerEnd worker_end_from(const Json& json);
Json to_json(const StoppedReport& report);
StoppedReport stopped_report_from(const Json& json);
Json failures_to_json(const std::vector<Failure>& failures);
std::vector<Failure> failures_from_json(const Json& json);

/// Text of a JSON body as bytes; text that is not UTF-8 (a path, a device's name) is repaired, never refused.
Blob body_of(const Json& json);
/// @throws Error{supervisor, corrupted}
Json json_of(std::span<const std::byte> body);

/// {kind, body} as one transport message.
Blob envelope(std::uint32_t kind, std::span<const std::byte> body);
struct Opened {
  std::uint32_t kind = 0;
  std::span<const std::byte> body;  ///< into the message
};
/// @throws Error{supervisor, corrupted} when it is shorter than a kind
Opened open_envelope(std::span<const std::byte> message);

}  // namespace symmbench
