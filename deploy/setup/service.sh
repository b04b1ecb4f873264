#!/bin/sh
# Runs one built service in the foreground, for an init system: service.sh NAME [CONFIG_FILE]. NAME is node, or introspector,
# transfer, snapshotter, restorer; coordinator, broker. Never builds and never provisions.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck disable=SC2034
jdk_wanted=25

stop() {
    printf 'decamp: %s\n' "$@" >&2
    exit 2
}

# shellcheck source=deploy/setup/jdk.sh
. "$root/deploy/setup/jdk.sh"

name=${1:?the name of a service}
config=${2:-/etc/decamp/node.properties}
needs_jdk
set -- -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -Djava.util.logging.manager=org.jboss.logmanager.LogManager
case $name in
    node) module=services/node ;;
    introspector | transfer | snapshotter | restorer) module=$name ;;
    coordinator) module=services/coordinator ;;
    broker)
        jar=$(find "$root/services/broker/target" -maxdepth 1 -name 'decamp-broker-*.jar' 2>/dev/null | head -n 1)
        [ -n "$jar" ] || stop "services/broker is not built: run ./decamp status once"
        exec "$JAVA_HOME/bin/java" "$@" -Xmx128m -XX:TieredStopAtLevel=1 -cp "$jar" io.decamp.broker.Main \
            --dir "${DECAMP_BROKER_DIR:-/var/lib/decamp/broker}" --listen "${DECAMP_BROKER_LISTEN:-127.0.0.1:9092}" \
            ${DECAMP_BROKER_ADVERTISE:+--advertise "$DECAMP_BROKER_ADVERTISE"} ;;
    *) stop "there is no service '$name'" ;;
esac
application=$root/$module/target/quarkus-app/quarkus-run.jar
[ -r "$application" ] || stop "$application is not built: run ./decamp status once"
[ -r "$config" ] || stop "$config is not there: deploy/config/node.properties is an example"
exec "$JAVA_HOME/bin/java" "$@" -Xmx192m -Xss512k -XX:MaxDirectMemorySize=160m \
    --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED \
    -Dsmallrye.config.locations="$config" -jar "$application"
