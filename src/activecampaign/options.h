// What the room needs to be told. Filled by config.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "activecampaign/base_url.h"
#include "base/secret.h"

namespace mbr::activecampaign {

struct Options {
  BaseUrl url;
  Secret key;                                // Api-Token; visible ASCII
  std::string caFile;                        // PEM; empty = the system's authorities
  double rate = 4.0;                         // requests per second, 0.1 to 1000
  std::chrono::milliseconds timeout{10000};  // for connecting, and again for the exchange
  // Of one answer. A page of 100 contacts with all their rows beside it can hold several MB.
  std::size_t maxBodyBytes = std::size_t{16} << 20;
};

}  // namespace mbr::activecampaign
