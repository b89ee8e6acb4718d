# Every dependency comes from the system (scripts/setup.sh installs them); nothing is downloaded.
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(pugixml REQUIRED)
find_package(LibArchive REQUIRED)
# Open MPI's development package brings it on Debian and Ubuntu; neither has a CMake config of its own.
find_path(HWLOC_INCLUDE_DIR hwloc.h REQUIRED)
find_library(HWLOC_LIBRARY hwloc REQUIRED)
add_library(symmbench_hwloc INTERFACE)
target_include_directories(symmbench_hwloc SYSTEM INTERFACE ${HWLOC_INCLUDE_DIR})
target_link_libraries(symmbench_hwloc INTERFACE ${HWLOC_LIBRARY})
if(SYMMBENCH_TESTS)
  find_package(Catch2 3 REQUIRED)
endif()

# valijson is header-only and its distribution packages carry no CMake config everywhere.
find_path(VALIJSON_INCLUDE_DIR valijson/validator.hpp
          HINTS ${VALIJSON_ROOT}/include $ENV{VALIJSON_ROOT}/include)
if(NOT VALIJSON_INCLUDE_DIR)
  message(FATAL_ERROR "valijson headers not found: run scripts/setup.sh or set -DVALIJSON_ROOT=<prefix>")
endif()
add_library(symmbench_valijson INTERFACE)
target_include_directories(symmbench_valijson SYSTEM INTERFACE ${VALIJSON_INCLUDE_DIR})
