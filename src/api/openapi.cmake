# Writes the API's contract into a source file of the room, so that the binary serves its own.
set(MBR_OPENAPI_PATH "${CMAKE_CURRENT_LIST_DIR}/openapi.yaml")
file(READ "${MBR_OPENAPI_PATH}" MBR_OPENAPI_TEXT)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${MBR_OPENAPI_PATH}")
set(MBR_OPENAPI_SOURCE "${CMAKE_BINARY_DIR}/generated/api_openapi.cpp")
configure_file("${CMAKE_CURRENT_LIST_DIR}/openapi.cpp.in" "${MBR_OPENAPI_SOURCE}" @ONLY)
target_sources(mbr_api PRIVATE "${MBR_OPENAPI_SOURCE}")
