#!/bin/sh
# See to PostgreSQL's programs for the tests of sources: the ones there are, or Debian's. No server is started here.
command -v initdb >/dev/null 2>&1 && exit 0
for found in /usr/lib/postgresql/*/bin/initdb; do
    [ -x "$found" ] && exit 0
done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing postgresql for the tests of sources"
    export DEBIAN_FRONTEND=noninteractive
    # The package would make a cluster and start it: its own setting says no.
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql-common \
        && sed -i -E "s/^#?create_main_cluster.*/create_main_cluster = false/" /etc/postgresql-common/createcluster.conf \
        && apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null 2>&1 && exit 0
fi
echo "The tests of sources need PostgreSQL: install it (sudo apt-get install postgresql), then run the same command again." >&2
exit 1
