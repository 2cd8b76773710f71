// The HTTP side: one thread a connection, kept alive, on 127.0.0.1 only.
#pragma once

#include <Poco/Net/HTTPServer.h>
#include <Poco/ThreadPool.h>

#include <memory>

#include "world.h"

namespace acsim {

// One thread at a time.
class Server {
 public:
  // Listens at once; throws Poco::Exception if it cannot. `world` must outlive it.
  explicit Server(World& world);
  ~Server();

  void start();
  void stop();  // ends open connections
  unsigned short port() const;

 private:
  Poco::ThreadPool pool_;
  std::unique_ptr<Poco::Net::HTTPServer> server_;
};

}  // namespace acsim
