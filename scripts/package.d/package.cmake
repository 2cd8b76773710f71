# What an installation consists of, and the Debian package made of it by scripts/package.
#
# The files lie where they are looked after: units and maintainer scripts beside this file, nginx's
# half in nginx/, examples in conf/. The manual pages and the completion are made from the program.

set(MBR_PACKAGE_REVISION 1 CACHE STRING "Revision of the Debian package")
set(CPACK_PACKAGE_CONTACT "Membergate <dev@membergate.invalid>")
string(TIMESTAMP MBR_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)  # or SOURCE_DATE_EPOCH
string(TIMESTAMP MBR_MANUAL_DATE "%Y-%m-%d" UTC)

set(made "${CMAKE_BINARY_DIR}/package.d")
set(here "${CMAKE_SOURCE_DIR}/scripts/package.d")
set(doc /usr/share/doc/membergate)
file(MAKE_DIRECTORY "${made}")

# --- made files ----------------------------------------------------------------

# Both service units from one text.
function(mbr_service file ACCOUNT OF_ACCOUNT SOCKET STATE)
  configure_file("${here}/systemd/service.in" "${made}/${file}" @ONLY)
endfunction()
mbr_service(membergate.service membergate "" membergate.socket membergate)
mbr_service(membergate@.service %i ", account %i" membergate@%i.socket membergate/%i)

configure_file("${here}/debian/changelog.in" "${made}/changelog" @ONLY)

# "Exactly these are the owner's": dpkg asks before it replaces one that was changed.
file(GLOB conffiles CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}"
  "${CMAKE_SOURCE_DIR}/nginx/conf.d/*" "${CMAKE_SOURCE_DIR}/nginx/snippets/*")
list(TRANSFORM conffiles PREPEND /etc/)
list(JOIN conffiles "\n" conffiles)
file(WRITE "${made}/conffiles" "${conffiles}\n")

find_package(Python3 COMPONENTS Interpreter REQUIRED)
add_custom_command(OUTPUT "${made}/membergate.1.gz" "${made}/membergate.conf.5.gz"
    "${made}/membergate.bash" "${made}/changelog.Debian.gz"
  COMMAND Python3::Interpreter -B "${here}/from_help.py" $<TARGET_FILE:membergate> "${made}"
    ${MBR_MANUAL_DATE}
  COMMAND gzip -9nf membergate.1 membergate.conf.5
  COMMAND gzip -9nc changelog > changelog.Debian.gz
  WORKING_DIRECTORY "${made}"
  DEPENDS membergate "${here}/from_help.py" "${made}/changelog"
  COMMENT "Making manual pages and completion" VERBATIM)
add_custom_target(manual DEPENDS "${made}/membergate.1.gz")
if(MBR_SANITIZE STREQUAL "")  # a sanitizer may not like to run while the build does
  set_target_properties(manual PROPERTIES EXCLUDE_FROM_ALL OFF)
endif()

# --- where they go -------------------------------------------------------------

install(TARGETS membergate RUNTIME DESTINATION /usr/bin)
install(FILES "${made}/membergate.service" "${made}/membergate@.service"
    "${here}/systemd/membergate.socket" "${here}/systemd/membergate@.socket"
  DESTINATION /lib/systemd/system)
install(FILES "${here}/systemd/tmpfiles.conf" DESTINATION /usr/lib/tmpfiles.d RENAME membergate.conf)
install(DIRECTORY nginx/conf.d nginx/snippets DESTINATION /etc/nginx)
install(FILES "${made}/membergate.1.gz" DESTINATION /usr/share/man/man1)
install(FILES "${made}/membergate.conf.5.gz" DESTINATION /usr/share/man/man5)
install(FILES "${made}/membergate.bash" DESTINATION /usr/share/bash-completion/completions
  RENAME membergate)
install(FILES README.md "${here}/debian/copyright" "${made}/changelog.Debian.gz" DESTINATION ${doc})
install(DIRECTORY conf DESTINATION ${doc})
install(FILES nginx/README.md DESTINATION ${doc}/nginx)
install(DIRECTORY nginx/examples DESTINATION ${doc}/nginx)
install(FILES "${here}/debian/lintian-overrides" DESTINATION /usr/share/lintian/overrides
  RENAME membergate)

# --- the package ---------------------------------------------------------------

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)  # the paths above are absolute
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME membergate)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "ActiveCampaign side of a membership site, behind nginx")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${MBR_PACKAGE_REVISION})
set(CPACK_DEBIAN_PACKAGE_SECTION web)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libfcgi by its fix of CVE-2025-23016, which the libraries' own lists do not ask for.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "adduser, ca-certificates, init-system-helpers (>= 1.54), libfcgi0ldbl (>= 2.4.2-2+deb12u1)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "nginx, libjs-chart.js")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion, spawn-fcgi")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${made}/conffiles" "${here}/debian/postinst"
  "${here}/debian/prerm" "${here}/debian/postrm")
set(CPACK_PACKAGE_DESCRIPTION "\
Membergate takes ActiveCampaign's webhooks, generates and checks the members'
passwords, keeps every contact current in a local cache, and pushes the site's
changes to ActiveCampaign. It keeps the webhook URLs of ActiveMember360.
.
A FastCGI daemon for nginx; 'membergate init' makes its configuration.")
include(CPack)
