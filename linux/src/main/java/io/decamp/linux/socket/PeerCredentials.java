package io.decamp.linux.socket;

/** Who was at the other end when it connected, SO_PEERCRED; as seen from our namespaces. */
public record PeerCredentials(int pid, int uid, int gid) {}
