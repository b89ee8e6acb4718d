#pragma once

namespace symmbench::test {

/// How the fake driver library answers; found in it under the name "fake_libcuda_settings".
struct FakeLibcudaSettings {
  int driver_version = 13000;
  int init_result = 0;
  int devices = 2;
  const char* missing = "";   ///< this function is not found
  const char* too_new = "";   ///< this one exists only in a later version
  char requested[8192] = "";  ///< every "name version\n" that was looked up
};

}  // namespace symmbench::test
