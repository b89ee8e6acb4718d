# The build id that a report carries and that ranks compare: version, git revision, build type.
execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} describe --always --dirty --abbrev=12
                OUTPUT_VARIABLE SYMMBENCH_GIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE git_failed)
if(git_failed)
  set(SYMMBENCH_GIT "unknown")
endif()
configure_file(${PROJECT_SOURCE_DIR}/scripts/cmake/version.hpp.in ${CMAKE_BINARY_DIR}/generated/symmbench_version.hpp @ONLY)
add_library(symmbench_version INTERFACE)
target_include_directories(symmbench_version INTERFACE ${CMAKE_BINARY_DIR}/generated)
