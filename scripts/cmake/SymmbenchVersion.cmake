# The build id that a report carries and that ranks compare: version, git revision, build type. Asked for at every build,
# not only when CMake configures; the header changes, and two files compile again, only when the answer does.
set(version_header ${CMAKE_BINARY_DIR}/generated/symmbench_version.hpp)
add_custom_target(symmbench_version_header
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DHEADER=${version_header}
          -DPROJECT_VERSION=${PROJECT_VERSION} -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}
          -DSYMMBENCH_SANITIZE=${SYMMBENCH_SANITIZE}
          -P ${PROJECT_SOURCE_DIR}/scripts/cmake/write_version.cmake
  BYPRODUCTS ${version_header}
  COMMENT "Asking git for the revision" VERBATIM)
add_library(symmbench_version INTERFACE)
add_dependencies(symmbench_version symmbench_version_header)
target_include_directories(symmbench_version INTERFACE ${CMAKE_BINARY_DIR}/generated)
