# cmake -DSOURCE_DIR= -DHEADER= -DPROJECT_VERSION= -DCMAKE_BUILD_TYPE= -DSYMMBENCH_SANITIZE= -P write_version.cmake
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=12
                OUTPUT_VARIABLE SYMMBENCH_GIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE git_failed)
if(git_failed)
  set(SYMMBENCH_GIT "unknown")
endif()
configure_file(${SOURCE_DIR}/scripts/cmake/version.hpp.in ${HEADER} @ONLY)
