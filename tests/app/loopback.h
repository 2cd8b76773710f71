// The configuration of a whole service, with an ActiveCampaign that does not answer.
#pragma once

#include <arpa/inet.h>
#include <cppunit/extensions/HelperMacros.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "config/config.h"
#include "support/temp_dir.h"

namespace mbr::test {

// A loopback port that nobody listens on.
inline std::uint16_t closedPort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  ::close(fd);
  CPPUNIT_ASSERT(bound);
  return ntohs(address.sin_port);
}

// Everything it writes lies in `folder`.
inline config::Config loopbackConfig(const TempDir& folder, const std::string& keyFile,
                                     const std::string& socket = "fcgi.sock") {
  config::Config config;
  config.server.socketPath = folder.file(socket);
  config.storePath = folder.file("membergate.db");
  config.masterKeyFile = keyFile;
  config.activecampaign.url = {false, "127.0.0.1", closedPort()};
  config.activecampaign.key = Secret("key");
  config.activecampaign.rate = 100;
  config.passwordField = "PASSWORD";
  config.hiddenFields = {"PASSWORD"};
  config.hooks.publicUrl = "https://example.com";
  config.shedSocket = folder.file("shed-" + socket);
  config.logLevel = ops::LogLevel::kError;
  return config;
}

}  // namespace mbr::test
