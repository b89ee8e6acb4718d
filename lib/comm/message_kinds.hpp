#pragma once
#include <cstdint>

namespace symmbench {

/// Kinds of frames and messages between worker and supervisor and between supervisors. lib/comm owns 1 ... 15;
/// lib/supervise numbers its own from kFirstSuperviseKind. 0 is never sent.
inline constexpr std::uint32_t kRoundContribute = 1;  ///< worker -> supervisor -> coordinator: a Contribution
inline constexpr std::uint32_t kRoundResult = 2;      ///< coordinator -> supervisor -> worker: a RoundResult
inline constexpr std::uint32_t kFirstSuperviseKind = 16;

}  // namespace symmbench
