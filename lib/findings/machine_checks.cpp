#include "findings/machine_checks.hpp"

#include "findings/observe_kernel.hpp"
#include "findings/observe_machine.hpp"
#include "findings/observe_order.hpp"

namespace symmbench {
namespace {

using enum Severity;

// NVIDIA's Xids by what they point to.
constexpr int kXidFaults[] = {13, 31, 43}, kXidLost[] = {79}, kXidMemory[] = {48, 63, 64, 94, 95},
              kXidLinks[] = {74, 136, 144, 145, 146, 147, 148, 149, 150, 155}, kXidRefused[] = {137},
              kXidStuck[] = {8, 109}, kXidFirmware[] = {61, 62, 119, 120}, kXidRecovery[] = {154},
              kXidCorrected[] = {92, 121};
constexpr std::string_view kXidCatalogue = "NVIDIA Xid catalogue";
constexpr std::string_view kNvLinkCounters = "nvml.h nvmlNvLinkErrorCounter_t";

constexpr CheckRow kMachineChecks[] = {
    // ---- links and machine
    {"slow_pair", warning, "a pair of GPUs is far slower than its limit: the profile's rate, or the other pairs",
     "limit in evidence says against what; nvidia-smi nvlink -e on both; take the GPU out if it stays",
     "openucx/ucx#11550, Dstack#1167", observe_slow_pair},
    {"slow_link", warning, "reading over one link takes far longer than over the others of its group",
     "symmbench probe, and nvidia-smi nvlink -s and -e on both ends; take the GPU out if it stays",
     "openucx/ucx#11550, Dstack#1167", observe_slow_link},
    {"slow_rank", warning, "a rank takes far longer for its calls than the others of its group",
     "its GPU's clocks, power and temperature (nvidia-smi -q -d CLOCK,PERFORMANCE), and what else runs on its "
     "processor",
     "-", observe_slow_rank},
    {"peer_access_dead", critical, "what a rank wrote, and a peer was to read, is not what was read",
     "the pair in evidence: link, IMEX and order of ranks", "Dstack#1167: links up, peer access dead",
     observe_peer_access},
    {"bisected", critical, "smaller groups of ranks name what is broken",
     "evidence has which groups failed and how sure that is: take the rank's GPU, or the link, out and run again", "-",
     observe_bisected},
    {"throttled", warning, "a GPU was slowed down around a case group, or while a case was timed",
     "times of these rows are not the machine's best: power and cooling (nvidia-smi -q -d PERFORMANCE)",
     "nvml.h, clocks event reasons", observe_throttled},
    // ---- what driver and kernel reported
    {"xid_memory_fault",
     critical,
     "a GPU met an address that is not mapped, or an illegal instruction (Xid 13, 31, 43)",
     "a peer that unmapped early, a pointer of another rank, a kernel's fault: run the case by itself",
     kXidCatalogue,
     observe_xids,
     {},
     kXidFaults},
    {"xid_gpu_lost",
     critical,
     "a GPU fell off the bus (Xid 79)",
     "take the host out: power, PCIe, reboot",
     kXidCatalogue,
     observe_xids,
     {},
     kXidLost},
    {"xid_memory_error",
     critical,
     "a GPU's memory has errors (Xid 48, 63, 64, 94, 95)",
     "nvidia-smi -q -d ECC,ROW_REMAPPER; 95 needs a reset, a row that cannot be remapped another GPU",
     kXidCatalogue,
     observe_xids,
     {},
     kXidMemory},
    {"xid_nvlink",
     critical,
     "a GPU reported errors of its NVLinks (Xid 74, 136, 144 to 150, 155)",
     "nvidia-smi nvlink -s and -e on both ends; the fabric manager's log; take the GPU or tray out if it stays",
     kXidCatalogue,
     observe_xids,
     {},
     kXidLinks},
    {"xid_peer_refused",
     critical,
     "a GPU's NVLink refused an access of a peer (Xid 137)",
     "software, as a rule: memory that the peer was not given, or no longer has",
     kXidCatalogue,
     observe_xids,
     {},
     kXidRefused},
    {"xid_stuck",
     critical,
     "a GPU's context did not give way in time: a kernel is stuck (Xid 8, 109)",
     "the rank that the kernel waits for is the one to look at",
     kXidCatalogue,
     observe_xids,
     {},
     kXidStuck},
    {"xid_firmware",
     critical,
     "a GPU's firmware did not answer, or failed (Xid 61, 62, 119, 120)",
     "reset the GPU; newer driver or firmware",
     kXidCatalogue,
     observe_xids,
     {},
     kXidFirmware},
    {"xid_recovery",
     warning,
     "the driver asks for a recovery of a GPU (Xid 154)",
     "the kernel log's line says which: drain, reset or reboot",
     kXidCatalogue,
     observe_xids,
     {},
     kXidRecovery},
    {"xid_corrected",
     info,
     "a GPU reported errors that were corrected (Xid 92, 121)",
     "watch whether they go on",
     kXidCatalogue,
     observe_xids,
     {},
     kXidCorrected},
    {"xid_other", warning, "a GPU's driver reported an error that no check here names", "look the number up",
     kXidCatalogue, observe_other_xids},
    {"nvswitch_error", critical, "an NVSwitch reported an error (SXid) while the run went on",
     "the fabric manager's log; other GPUs on the same switch", "NVIDIA Fabric Manager user guide, SXid errors",
     observe_switch_errors},
    {"killed_for_memory", critical, "the kernel killed a process for want of memory while the run went on",
     "fewer ranks per host, smaller --maxbytes, or a higher memory limit; `symmbench plan` says what is needed",
     "Linux, mm/oom_kill.c", observe_killed_processes},
    {"nvlink_errors", warning, "an NVLink recovered, or counted CRC errors of data, while a case group ran",
     "nvidia-smi nvlink -e; a link whose counters keep growing is to be looked after", kNvLinkCounters,
     observe_link_errors},
    {"nvlink_retries", info, "NVLinks sent packets again, or counted CRC errors of flits, while a case group ran",
     "links correct these by themselves; compare ranks and machines: one that counts far more is to "
     "be "
     "looked after",
     kNvLinkCounters, observe_link_retries},
    {"gpu_far_from_cpu", warning, "a rank may not run on any processor next to its GPU",
     "bind ranks to their GPU's memory node (mpirun --map-by, --bind-to numa); evidence has both sides",
     "hwloc, PCI locality", observe_far_gpu},
    {"cores_oversubscribed", info, "a machine has fewer free cores than ranks and load",
     "deadlines were widened; times are not to be trusted", "-", observe_oversubscribed},
};

}  // namespace

std::span<const CheckRow> machine_checks() { return kMachineChecks; }

}  // namespace symmbench
