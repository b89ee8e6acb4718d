#pragma once
#include <concepts>
#include <cstdint>

#include "kernels/protocol/codecs.hpp"
#include "kernels/protocol/view.hpp"
#include "kernels/protocol/world.hpp"

namespace symmbench {

/// What a call needs of the control block, read once by every thread at its start.
struct CallState {
  std::uint32_t slot;
  std::uint32_t barrier_generation;
  std::uint32_t abort;
  std::uint64_t calls;
  Regions dirty;
};

/// Seam 2, lower half: all that the protocol text does to memory, and the only place where addresses are formed. One
/// object per thread of a kernel. `offset` is in bytes from the start of a rank's segment, or of the first of the segments
/// that an area has (WorkspaceView::comm_at).
///
/// Program and its order:
///   grid_dependency_wait()          before any memory that an earlier kernel writes (programmatic dependent launch);
///                                   host: nothing
///   launch_dependents()             own packets are on their way: the next kernel may start (programmatic dependent
///                                   launch); host: nothing
///   load_state()                    ControlBlock; relaxed, never through a cache that outlives a kernel
///   take_ticket(blocks)             one thread per block, after all its threads have read the state
///   is_last(ticket, blocks)         true for the ticket of the last block
///   advance(state)                  the last ticket's holder: slot, generation, calls, dirty regions of the next call
/// Own memory (input, output, residual, gamma), by address, plain 16-byte accesses:
///   load_local(address), store_local(address, packet)
///   load_word(address)              plain, aligned to 4 bytes
///   store_codes(address, codes)     plain, the 4 or 8 bytes of the codes of a packet's elements
///   store_word(address, word), store_byte(address, byte)  plain
///   prefetch(address)               a load of it is near. Reads nothing, so it may precede the wait: what an earlier
///                                   kernel writes there later shows all the same
///   kLateConstants                  gamma is loaded when a packet's sum is there, not before the wait: no registers
///                                   are held for it meanwhile
/// Lamport segment, four *relaxed* 32-bit words each; a word is its own flag, so no order between words is needed:
///   target(rank, offset)            where a packet for `rank` goes; arithmetic only, so it can precede the wait
///   targets(world, offset)          the same for all peers, in the order of peer_after()
///   send(target, slot_offset, packet); send_to_all(targets, slot_offset, packet)
///   writes_own()                    send_to_all() stores into the own segment as well, as one multicast address does;
///                                   on a GPU a constant
///   source(offset)                  where to poll in the own segment; arithmetic only
///   poll(source)
///   clear(offset)                   own segment: the sentinel
///   sanitise(packet)                what must never travel is replaced (packet.hpp)
/// Comm segment, *plain* packets, ordered by flags alone:
///   load_comm(rank, offset), store_comm(rank, offset, packet)
/// Flag segment:
///   signal(rank, offset, value)     release: all that this block wrote before is visible to whoever sees the value
///   observe(offset)                 acquire; own segment
/// Numbers, the same bits on every device:
///   Numbers::unpack, Numbers::pack  packets and fp32 lanes (number.hpp)
///   Codecs::e4m3<T>, Codecs::e2m1<T>  codes of a packet's elements (codecs.hpp)
///   Codecs::e4m3, Codecs::ue8m0     the code of one number
///   reciprocal(x), quotient(x, y)   rounded to nearest
/// And reciprocal_sqrt(x), within 2^-22.4.
///   rounds_each_addition()          sums over ranks are rounded to the message's type at each addition, else once
/// Waiting:
///   SpinBudget                      one per wait, default constructed
///   kPollsPerCheck, check_deadline(budget)  after so many polls in vain, the clock and the abort word: false when this
///                                   wait has taken longer than view.wait_limit_ns or another one gave up. The host
///                                   also makes room for other threads
///   reconverge(arrived)             the same value; threads that left a wait by different ways go on as one
///   give_up(record)                 the first to give up raises ControlBlock::abort and writes the record, tag last
template <class Ops>
concept MemoryOps = requires(Ops ops, Packet packet, CallState state, GiveUpRecord record,
                             typename Ops::SpinBudget budget, typename Ops::Target target,
                             typename Ops::template Targets<FixedWorld<2>> targets, std::uint64_t offset,
                             std::uint32_t word, int rank, float number, float (&lanes)[kLanes<Bf16>]) {
  typename Ops::Numbers;
  ops.grid_dependency_wait();
  ops.launch_dependents();
  { ops.load_state() } -> std::same_as<CallState>;
  { ops.take_ticket(word) } -> std::same_as<typename Ops::Ticket>;
  { ops.is_last(ops.take_ticket(word), word) } -> std::same_as<bool>;
  ops.advance(state);
  { ops.load_local(offset) } -> std::same_as<Packet>;
  ops.store_local(offset, packet);
  ops.store_codes(offset, E4m3Codes<Bf16>{});
  { ops.load_word(offset) } -> std::same_as<std::uint32_t>;
  ops.store_word(offset, word);
  ops.store_byte(offset, word);
  { Ops::Codecs::template e4m3<Bf16>(lanes) } -> std::same_as<E4m3Codes<Bf16>>;
  { Ops::Codecs::template e2m1<Bf16>(lanes) } -> std::same_as<std::uint32_t>;
  { Ops::Codecs::e4m3(number) } -> std::same_as<std::uint32_t>;
  { Ops::Codecs::ue8m0(number) } -> std::same_as<std::uint32_t>;
  ops.prefetch(offset);
  { Ops::kLateConstants } -> std::convertible_to<bool>;
  { ops.target(rank, offset) } -> std::same_as<typename Ops::Target>;
  { ops.targets(FixedWorld<2>{}, offset) } -> std::same_as<typename Ops::template Targets<FixedWorld<2>>>;
  ops.send(target, offset, packet);
  ops.send_to_all(targets, offset, packet);
  { ops.writes_own() } -> std::same_as<bool>;
  { ops.poll(ops.source(offset)) } -> std::same_as<Packet>;
  ops.clear(offset);
  { ops.sanitise(packet) } -> std::same_as<Packet>;
  { ops.load_comm(rank, offset) } -> std::same_as<Packet>;
  ops.store_comm(rank, offset, packet);
  ops.signal(rank, offset, word);
  { ops.observe(offset) } -> std::same_as<std::uint32_t>;
  { Ops::kPollsPerCheck } -> std::convertible_to<int>;
  { ops.check_deadline(budget) } -> std::same_as<bool>;
  { ops.reconverge(true) } -> std::same_as<bool>;
  ops.give_up(record);
  { ops.reciprocal(number) } -> std::same_as<float>;
  { ops.quotient(number, number) } -> std::same_as<float>;
  { ops.reciprocal_sqrt(number) } -> std::same_as<float>;
  { ops.rounds_each_addition() } -> std::same_as<bool>;
};

}  // namespace symmbench
