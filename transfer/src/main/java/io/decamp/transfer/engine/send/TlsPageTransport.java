package io.decamp.transfer.engine.send;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameException;
import io.decamp.contracts.port.PageTransport;
import io.decamp.transfer.engine.tls.PeerIdentity;
import io.decamp.transfer.engine.wire.PlainWire;
import io.decamp.transfer.engine.wire.TlsWire;
import io.decamp.transfer.engine.wire.Wire;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.jboss.logging.Logger;

/**
 * The sending half of the page stream over TLS 1.3 with certificates on both sides. Thread safe; its sessions are not,
 * but for {@code close}. A session that has failed once fails always: its caller opens another one, learns from it
 * which
 * epoch was sealed last, and sends from there.
 */
public final class TlsPageTransport implements PageTransport {
    private final SSLContext tls;
    private static final Logger LOG = Logger.getLogger(TlsPageTransport.class);

    /** Content of pages that are kept for each workload, to send no more than what has changed in them. */
    public static final long DEFAULT_BASE_BYTES = 64 << 20;

    private final TransportLimits limits;
    private final SentMemory memory;
    private final WireTotals totals = new WireTotals();

    /** @param tls holds this node's certificate and the authorities it trusts */
    public TlsPageTransport(SSLContext tls, TransportLimits limits) {
        this(tls, limits, DEFAULT_BASE_BYTES);
    }

    /** @param baseBytes as {@link #DEFAULT_BASE_BYTES}; 0 for sending all changed pages whole */
    public TlsPageTransport(SSLContext tls, TransportLimits limits, long baseBytes) {
        if (tls == null) {
            throw new IllegalArgumentException("A page stream needs TLS");
        }
        this.tls = tls;
        this.limits = limits;
        memory = new SentMemory(baseBytes, System::nanoTime);
    }

    private TlsPageTransport(TransportLimits limits) {
        this.tls = null;
        this.limits = limits;
        memory = new SentMemory(DEFAULT_BASE_BYTES, System::nanoTime);
    }

    /** Without any protection, to measure what TLS costs. */
    public static TlsPageTransport plainForBenchmarks(TransportLimits limits) {
        return new TlsPageTransport(limits);
    }

    public WireTotals totals() {
        return totals;
    }

    @Override
    public Session open(WorkloadId workload, long generation, Target target) {
        if (generation <= 0) {
            throw DecampException.refused(
                    "bad-generation", "Generation " + generation + " of " + workload + " is not greater than 0", "Count from 1");
        }
        try {
            return open(workload, generation, target, memory.version(target.destination()));
        } catch (DecampException e) {
            if (!e.code().equals(FrameException.VERSION_CODE)) {
                throw e;
            }
            LOG.infof("Node %s is older: pages of %s are neither compressed nor sent as changes", target.destination(), workload);
            return open(workload, generation, target, FrameDescriptor.OLDEST_VERSION);
        }
    }

    private Session open(WorkloadId workload, long generation, Target target, int version) {
        SocketChannel channel = connect(target);
        Wire wire = protect(channel, target);
        try {
            return new SendSession(wire, version, workload, generation, target, limits, memory, totals);
        } catch (SSLException e) {
            // with TLS 1.3 the server's verdict on our certificate arrives after our handshake is finished
            wire.close();
            throw notTrusted(target, e);
        } catch (IOException e) {
            wire.close();
            throw unreachable(target, "did not answer", e);
        } catch (RuntimeException e) {
            wire.close();
            throw e;
        }
    }

    private SocketChannel connect(Target target) {
        InetSocketAddress address = address(target.dataAddress());
        if (address.isUnresolved()) {
            throw unreachable(target, "has an unknown host name", null);
        }
        try {
            SocketChannel channel = SocketChannel.open();
            try {
                channel.socket().connect(address, (int) limits.connect().toMillis());
                return channel;
            } catch (IOException e) {
                channel.close();
                throw e;
            }
        } catch (SocketTimeoutException e) {
            throw unreachable(target, "did not accept within " + limits.connect().toMillis() + " ms", e);
        } catch (IOException e) {
            throw unreachable(target, "cannot be connected", e);
        }
    }

    private Wire protect(SocketChannel channel, Target target) {
        try {
            if (tls == null) {
                return new PlainWire(channel);
            }
            TlsWire wire = TlsWire.connect(channel, tls, limits.handshake());
            try {
                PeerIdentity.require(wire.session(), target.destination());
                return wire;
            } catch (DecampException e) {
                wire.close();
                throw e;
            }
        } catch (SSLException e) {
            throw notTrusted(target, e);
        } catch (IOException e) {
            throw unreachable(target, "did not finish the TLS handshake", e);
        }
    }

    private static InetSocketAddress address(String hostAndPort) {
        int colon = hostAndPort.lastIndexOf(':');
        try {
            String host = hostAndPort.substring(0, colon);
            if (host.startsWith("[") && host.endsWith("]")) {
                host = host.substring(1, host.length() - 1);
            }
            return new InetSocketAddress(host, Integer.parseInt(hostAndPort.substring(colon + 1)));
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw DecampException.refused(
                    "bad-address", "'" + hostAndPort + "' is not an address of a page stream", "Use HOST:PORT");
        }
    }


    private static DecampException unreachable(Target target, String what, IOException cause) {
        return DecampException.retry(
                "destination-unreachable",
                "Node " + target.destination() + " at " + target.dataAddress() + " " + what,
                "Check that its transfer service runs and that the network lets its data port through",
                cause);
    }

    private static DecampException notTrusted(Target target, IOException cause) {
        return new DecampException(
                DecampException.Category.REFUSED,
                "peer-not-trusted",
                "TLS with node " + target.destination() + " at " + target.dataAddress() + " failed",
                "Check that both nodes have certificates of authorities that the other trusts, and that they are valid now",
                cause);
    }
}
