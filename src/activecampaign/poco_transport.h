// The real network, on Poco's HTTP client.
//
// What Poco 1.11 leaves open is closed here: a deadline for the whole call and not for each read
// (also inside a TLS record), answers that were cut short, a cap on their size, redirects, and a
// kept connection that the other side closed meanwhile. Names are resolved without a time-out, by
// the system; a call may take that much longer.
#pragma once

#include <memory>

#include "activecampaign/options.h"
#include "activecampaign/transport.h"
#include "base/result.h"

namespace mbr::activecampaign {

// What the transports of one process share: TLS settings, the key, the clock that cuts calls off.
// Thread-safe.
class PocoNetwork {
 public:
  // Certificates are always checked, the host name included; TLS 1.2 at least.
  // Errors: kInvalid (the key holds other than visible ASCII, or `caFile` cannot be used).
  static Result<std::unique_ptr<PocoNetwork>> open(const Options& options);

  ~PocoNetwork();
  PocoNetwork(const PocoNetwork&) = delete;
  PocoNetwork& operator=(const PocoNetwork&) = delete;

  // One for each worker; keeps one connection. Must go before the network does.
  std::unique_ptr<Transport> newTransport();

  struct Shared;  // known to the source file alone

 private:
  explicit PocoNetwork(std::unique_ptr<Shared> shared);
  std::unique_ptr<Shared> shared_;
};

}  // namespace mbr::activecampaign
