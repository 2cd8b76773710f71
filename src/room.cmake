# mbr_room(<path> SOURCES … DEPENDS … [LINKS …] [PUBLIC_LINKS …])
#
# A room is a folder below src/, one static library and one namespace. DEPENDS is the list of its
# arrows: the rooms it may include from. The list is written to rooms.txt in the build folder, and
# the test `arrows` compares every #include "room/…" with it. LINKS stay private to the room.
set(MBR_ROOMS_FILE "${CMAKE_BINARY_DIR}/rooms.txt")
file(WRITE "${MBR_ROOMS_FILE}" "")

function(mbr_room room)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPENDS;LINKS;PUBLIC_LINKS" ${ARGN})
  string(REPLACE "/" "_" name "${room}")
  list(TRANSFORM ROOM_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/src/${room}/")
  add_library(mbr_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(mbr_${name} PUBLIC "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(mbr_${name} PRIVATE mbr_options ${ROOM_LINKS}
    PUBLIC Threads::Threads ${ROOM_PUBLIC_LINKS})
  foreach(dependency IN LISTS ROOM_DEPENDS)
    string(REPLACE "/" "_" dependency "${dependency}")
    target_link_libraries(mbr_${name} PUBLIC mbr_${dependency})
  endforeach()
  list(JOIN ROOM_DEPENDS " " arrows)
  file(APPEND "${MBR_ROOMS_FILE}" "${room}: ${arrows}\n")
endfunction()

# mbr_compile_in(<room> <file> <template>)
#
# Gives the room one more source: its <template> with the text of <file> in the place of @MBR_TEXT@,
# so that the binary carries that text.
function(mbr_compile_in room file template)
  string(REPLACE "/" "_" name "${room}")
  file(READ "${file}" MBR_TEXT)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  get_filename_component(source "${template}" NAME_WLE)  # texts.cpp.in is texts.cpp
  set(source "${CMAKE_BINARY_DIR}/generated/${name}_${source}")
  configure_file("${CMAKE_SOURCE_DIR}/src/${room}/${template}" "${source}" @ONLY)
  target_sources(mbr_${name} PRIVATE "${source}")
endfunction()
