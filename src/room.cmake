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
