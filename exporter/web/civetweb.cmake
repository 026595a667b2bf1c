# Target ssh_refusal_civetweb: civetweb >= 1.16 with its C++ wrapper, IPv6 and OpenSSL 3.
#
# The system's library is taken if it really serves IPv6 and TLS (web/check/ is run to see); else
# scripts/fetch-civetweb gives the source and a static library is built from it. Debian 12's own
# 1.15 has no IPv6 and crashes at the first TLS client, and it stands in /usr/include wherever
# prometheus-cpp's headers do: ours must come before it.

# Sets SYSTEM_CIVETWEB to TRUE if the system's civetweb will do. Kept in the cache: the check runs
# once for each build directory.
function(check_system_civetweb)
  if(DEFINED SYSTEM_CIVETWEB)
    return()
  endif()
  set(SYSTEM_CIVETWEB FALSE CACHE INTERNAL "The system's civetweb serves IPv6 and TLS")
  find_path(CIVETWEB_INCLUDE_DIR CivetServer.h)
  find_library(CIVETWEB_LIBRARY civetweb)
  find_library(CIVETWEB_CPP_LIBRARY civetweb-cpp)
  mark_as_advanced(CIVETWEB_INCLUDE_DIR CIVETWEB_LIBRARY CIVETWEB_CPP_LIBRARY)
  if(NOT CIVETWEB_INCLUDE_DIR
     OR NOT CIVETWEB_LIBRARY
     OR NOT CIVETWEB_CPP_LIBRARY)
    message(STATUS "civetweb of the system: none")
    return()
  endif()
  file(STRINGS ${CIVETWEB_INCLUDE_DIR}/civetweb.h version REGEX "define CIVETWEB_VERSION ")
  string(REGEX MATCH "[0-9.]+" version "${version}")
  if(version VERSION_LESS 1.16)
    message(STATUS "civetweb of the system: ${version}, older than 1.16")
    return()
  endif()
  # One that loads OpenSSL by dlopen("libssl.so") works only where the development package is
  # installed, which is not where an exporter runs.
  file(STRINGS ${CIVETWEB_LIBRARY} linked_openssl REGEX "^libssl\\.so\\.3" LIMIT_COUNT 1)
  if(NOT linked_openssl)
    message(STATUS "civetweb of the system: ${version}, not linked with OpenSSL 3")
    return()
  endif()
  try_run(
    ran compiled
    SOURCES ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/check/civetweb_works.cc
    CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${CIVETWEB_INCLUDE_DIR}
    LINK_LIBRARIES ${CIVETWEB_CPP_LIBRARY} ${CIVETWEB_LIBRARY} OpenSSL::SSL OpenSSL::Crypto
                   Threads::Threads
    CXX_STANDARD 20
    RUN_OUTPUT_VARIABLE output)
  if(compiled AND "${ran}" STREQUAL "0")
    set(SYSTEM_CIVETWEB TRUE CACHE INTERNAL "")
    message(STATUS "civetweb of the system: ${version}, serves IPv6 and TLS")
  else()
    string(STRIP "${output}" output)
    message(STATUS "civetweb of the system: ${version}, but its check failed: ${output}")
  endif()
endfunction()

# Adds civetweb's own build from its source in CIVETWEB_SOURCE_DIR.
function(build_civetweb)
  if(NOT EXISTS "${CIVETWEB_SOURCE_DIR}/CMakeLists.txt")
    execute_process(
      COMMAND ${PROJECT_SOURCE_DIR}/scripts/fetch-civetweb
      OUTPUT_VARIABLE source_dir
      OUTPUT_STRIP_TRAILING_WHITESPACE
      RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "No usable civetweb: see what scripts/fetch-civetweb says above.")
    endif()
    set(CIVETWEB_SOURCE_DIR "${source_dir}" CACHE PATH "civetweb's source" FORCE)
    mark_as_advanced(CIVETWEB_SOURCE_DIR)
  endif()
  foreach(
    setting
    CIVETWEB_BUILD_TESTING=OFF
    CIVETWEB_ENABLE_SERVER_EXECUTABLE=OFF
    CIVETWEB_ENABLE_ASAN=OFF # ours, or none
    CIVETWEB_ENABLE_DEBUG_TOOLS=OFF # a debug build would log every step of every request
    CIVETWEB_ENABLE_SSL_DYNAMIC_LOADING=OFF
    CIVETWEB_CXX_ENABLE_LTO=OFF
    CIVETWEB_SSL_OPENSSL_API_1_1=OFF
    CIVETWEB_SSL_OPENSSL_API_3_0=ON
    CIVETWEB_ENABLE_CXX=ON
    CIVETWEB_ENABLE_IPV6=ON
    CIVETWEB_SERVE_NO_FILES=ON
    CIVETWEB_DISABLE_CGI=ON
    # Its default of 100 KiB is too small for handlers that render pages, more so under sanitizers.
    CIVETWEB_THREAD_STACK_SIZE=1048576)
    string(REGEX MATCH "^([^=]+)=(.*)$" unused "${setting}")
    set(${CMAKE_MATCH_1} ${CMAKE_MATCH_2} CACHE INTERNAL "")
  endforeach()
  # Its own talk, and CMake's about its age, would bury what a reader has to see.
  set(CMAKE_MESSAGE_LOG_LEVEL WARNING)
  set(CMAKE_WARN_DEPRECATED OFF CACHE INTERNAL "")
  set(CMAKE_POLICY_VERSION_MINIMUM 3.5)
  set(CMAKE_EXPORT_COMPILE_COMMANDS OFF)
  add_subdirectory(${CIVETWEB_SOURCE_DIR} ${PROJECT_BINARY_DIR}/civetweb EXCLUDE_FROM_ALL SYSTEM)
  # Its stop flag is a plain volatile int unless told otherwise: a data race at every shutdown.
  target_compile_definitions(civetweb-c-library PRIVATE STOP_FLAG_NEEDS_LOCK)
  target_compile_options(civetweb-c-library PRIVATE -w)
  target_compile_options(civetweb-cpp PRIVATE -w)
endfunction()

add_library(ssh_refusal_civetweb INTERFACE)
check_system_civetweb()
if(SYSTEM_CIVETWEB)
  target_include_directories(ssh_refusal_civetweb SYSTEM INTERFACE ${CIVETWEB_INCLUDE_DIR})
  target_link_libraries(ssh_refusal_civetweb INTERFACE ${CIVETWEB_CPP_LIBRARY} ${CIVETWEB_LIBRARY})
else()
  build_civetweb()
  target_link_libraries(ssh_refusal_civetweb INTERFACE civetweb-cpp)
endif()
