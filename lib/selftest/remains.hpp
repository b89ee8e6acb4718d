#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace symmbench {

/// What a job of this rank could leave behind when it is over.
struct Remains {
  std::int64_t descriptors = 0;       ///< open in this process
  std::vector<std::string> children;  ///< processes, by pid
  std::vector<std::string> sockets;   ///< abstract names of this rank's workers
  std::vector<std::string> shared;    ///< files of ours in /dev/shm
};

/// `nonce`: of the job (comm/job_nonce.hpp).
Remains remains_now(const std::string& nonce, int world_rank);

/// What is there now and was not before, for people: "process 4711 of rank 2".
std::vector<std::string> left_since(const Remains& before, const Remains& now, int world_rank);

}  // namespace symmbench
