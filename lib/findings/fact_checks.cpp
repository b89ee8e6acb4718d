#include "findings/fact_checks.hpp"

#include "findings/observe_facts.hpp"
#include "findings/observe_lookups.hpp"
#include "findings/observe_machine.hpp"
#include "findings/observe_outcomes.hpp"

namespace symmbench {
namespace {

using enum Severity;

constexpr CheckRow kFactChecks[] = {
    // ---- rules and handle types
    {"upstream_rule_split", critical,
     "an allocator's own rule takes different handle types on ranks of one group: upstream waits forever there",
     "make the facts in evidence equal on these ranks (IMEX channel, fabric state, cluster), or force one type with "
     "--handle",
     "pytorch CUDASymmetricMemory.cu and flashinfer SymmDeviceMemory decide per rank and compare nothing",
     observe_rule_split},
    {"upstream_rules_differ", warning, "the allocators' own rules take different handle types on the same rank",
     "this is what can fail under one allocator and work under the other here; run both with --handle fabric and "
     "--handle posix_fd",
     "flashinfer#3277, flashinfer#3745", observe_rules_differ},
    {"no_handle_for_group", critical, "no handle type that was asked for reaches all ranks of a group",
     "read handle.reason: it names hosts, or call and code; --group-size keeps groups inside a host",
     "vllm#51986, pytorch#171495", observe_no_handle},
    {"handle_trial_failed", warning, "memory of a handle type that the device offers does not reach every peer",
     "read call and code in evidence; the checks on single codes say what they point to",
     "torchcomms#3517: a self test proves the local channel only", observe_trials},
    {"self_test_misleads", warning, "fabric memory passes the test within a process, and does not reach the peers",
     "torch's rule takes FABRIC here and fails: IMEX daemons and their node lists, or --handle posix_fd",
     "torchcomms#3517: a self test proves the local channel only", observe_misleading_test},
    {"one_allocator_fails", critical, "one allocator fails cases that another one passes",
     "take the other one here, and compare handle type, granularity and calls of both (results[].handle, workspaces)",
     "flashinfer#3277", observe_one_allocator},
    {"wrong_data_by_handle", critical, "data are wrong over one handle type and right over another",
     "force the type that is right, and report the other with driver version and fabric state", "sglang#19884",
     observe_wrong_by_handle},
    // ---- fabric facts
    {"imex_channel_missing", warning, "the device offers fabric handles, and no IMEX channel node is seen",
     "make one (nvidia-modprobe -s -i 0, or /dev/nvidia-caps-imex-channels/channel0 in the container)",
     "nvbandwidth#35, DeepEP#487, mscclpp#467", observe_imex_channel},
    {"fabric_not_ready", critical, "a GPU has not finished its registration with the NVLink fabric",
     "check fabric manager (HGX) or NMX (NVL72), and nvidia-smi -q, Fabric", "nvml.h NVML_GPU_FABRIC_STATE",
     observe_fabric_state},
    {"fabric_status_error", critical, "a GPU's registration with the fabric is completed, with an error status",
     "nvidia-smi -q, Fabric: Status; the fabric manager's log", "azhpc-images#506", observe_fabric_status},
    {"fabric_unhealthy", critical, "NVML calls a GPU's fabric unhealthy, or of limited capacity",
     "take the node out; NVLink counters and the kernel log (Xid) name the link", "nvml.h NVML_GPU_FABRIC_HEALTH",
     observe_fabric_health},
    {"cluster_or_clique_split", critical,
     "ranks of one group are in different clusters or cliques of the NVLink fabric",
     "start the group inside one clique; ask whoever partitions the rack",
     "torchcomms#3612, pytorch CUDASymmetricMemory.cu", observe_clique_split},
    {"cluster_uuid_zero", info,
     "the fabric is completed with a cluster UUID of zero: FlashInfer's rule takes descriptors, torch's may take "
     "FABRIC",
     "expected on HGX boards; on NVL72 the GPU has left its rack's cluster", "flashinfer SymmDeviceMemory",
     observe_zero_cluster},
    {"peer_out_of_reach", critical, "the driver says that a GPU cannot access the memory of another one on its host",
     "outcome in evidence says whether it is so; check visibility (cgroup, CUDA_VISIBLE_DEVICES), topology (nvidia-smi "
     "topo -p2p n) and virtualisation",
     "vllm#26949, pytorch#174029", observe_unreachable},
    {"confidential_computing_on", info,
     "Confidential Computing is on: multicast is off, and FlashInfer takes torch's allocator",
     "nothing, if meant; times are not comparable to machines without it",
     "flashinfer trtllm_allreduce workspace selection", observe_confidential},
    {"confidential_computing_split", critical, "Confidential Computing is on for some ranks only",
     "make it equal on all hosts of the job", "flashinfer trtllm_allreduce workspace selection",
     observe_confidential_split},
    {"multicast_split", warning, "some ranks of a group have the multicast attribute and others not",
     "multicast needs all of them; check virtualisation and Confidential Computing", "vllm#34891",
     observe_multicast_split},
    {"fabric_facts_nonsense", warning, "a driver told of the fabric what cannot be",
     "a driver and an NVML library that do not belong together, or a fault of either: compare their versions",
     "nvml.h, nvmlGpuFabricInfo_v4_t; CUcliqueInfo", observe_nonsense},
    {"clique_lists_disagree", warning, "libcuda and NVML tell different clusters or cliques of one GPU",
     "NVML of another version than the driver, or a fabric that is being configured: ask again",
     "nvmlDeviceGetGpuFabricInfo_v4, cuDeviceGetCliqueInfo", observe_clique_lists},
    {"multicast_clique_split", warning, "ranks of one group have no multicast clique in common",
     "unicast works where their unicast clique is one; multicast cannot span them", "cuDeviceGetCliqueInfo",
     observe_multicast_cliques},
    {"rule_looks_at_another_gpu", warning,
     "an upstream rule looks at another GPU than the rank's own (NVML by CUDA's number, self test on the first device)",
     "compare handle and own_device_handle in evidence; give each rank one visible GPU, or force one type with "
     "--handle",
     "flashinfer SymmDeviceMemory, pytorch CUDASymmetricMemory.cu, vllm#38550", observe_lookups},
    // ---- equal across ranks
    {"driver_versions_differ", warning, "ranks have different driver versions", "bring the hosts to one driver",
     "nvloom 2.1 checks the same", observe_driver_split},
    {"gpu_models_differ", warning, "ranks have different GPU models", "start the job on one kind of GPU",
     "nccl-tests device list", observe_model_split},
    {"multiprocessors_differ", warning, "GPUs of one group have different numbers of multiprocessors",
     "grids that follow from the number differ between ranks, which some kernels answer with a hang or wrong data: MIG "
     "off, "
     "one model",
     "flashinfer barriers: block counts must be equal", observe_multiprocessors},
    {"nvlinks_differ", warning, "GPUs of one group have different numbers of active NVLinks",
     "nvidia-smi nvlink -s on the GPU that has fewer; a link that is down halves what its pairs reach",
     "NVML, nvmlDeviceGetNvLinkState", observe_link_counts},
    {"environment_differs", warning, "variables that change what libraries do differ between ranks",
     "export them to all ranks alike (mpirun -x NAME)", "sglang#30209: settings that differ hang collectives",
     observe_environment},
    {"network_namespaces_differ", warning,
     "ranks of one machine are in different network namespaces: descriptors do not travel between them",
     "run them in one (hostNetwork), or use --handle fabric", "dra-driver-nvidia-gpu#294", observe_namespaces},
    {"visible_devices_remapped", info,
     "CUDA_VISIBLE_DEVICES names other GPUs than the first ones in order: CUDA's number of a GPU may not be NVML's",
     "compare gpu_uuid of the ranks with what was meant; FlashInfer looks up NVML by the CUDA number", "vllm#38550",
     observe_visible_devices},
};

}  // namespace

std::span<const CheckRow> fact_checks() { return kFactChecks; }

}  // namespace symmbench
