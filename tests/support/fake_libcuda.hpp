#pragma once

namespace symmbench::test {

/// How the fake driver library answers; found in it under the name "fake_libcuda_settings". A program that only opens
/// the library sets them by environment: FAKE_CUDA_DRIVER_VERSION, FAKE_CUDA_DEVICES, FAKE_CUDA_SM,
/// FAKE_CUDA_PEER_ACCESS, FAKE_CUDA_FREE_MIB. CUDA_VISIBLE_DEVICES (a list of numbers) chooses among the devices, as
/// with the real one.
struct FakeLibcudaSettings {
  int driver_version = 13000;
  int init_result = 0;
  int devices = 2;  ///< in the machine
  int sm = 90;
  int peer_access = 1;  ///< between any two of them
  int free_mib = 140'000;
  const char* missing = "";   ///< this function is not found
  const char* too_new = "";   ///< this one exists only in a later version
  char requested[8192] = "";  ///< every "name version\n" that was looked up
};

}  // namespace symmbench::test
