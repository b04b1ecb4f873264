package io.decamp.transfer.engine.tls;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * Which nodes a certificate speaks for: those named by a DNS subject alternative name, or by the common name of its
 * subject. Host names and addresses play no part: a node keeps its name wherever it is reached.
 */
public final class PeerIdentity {
    private static final int SAN_DNS = 2;

    private PeerIdentity() {}

    /** @throws DecampException {@code peer-not-trusted} unless the peer's certificate names {@code node} */
    public static void require(SSLSession session, NodeId node) {
        Set<String> names = namesOf(session);
        if (!names.contains(node.value())) {
            throw DecampException.refused(
                    "peer-not-trusted",
                    "The peer speaks for node " + node + " but its certificate names " + names,
                    "Check the data address of the node, or issue it a certificate whose name is the node's");
        }
    }

    static Set<String> namesOf(SSLSession session) {
        try {
            Certificate[] chain = session.getPeerCertificates();
            return namesOf((X509Certificate) chain[0]);
        } catch (SSLPeerUnverifiedException e) {
            return Set.of();
        }
    }

    /** Names of nodes in the certificate. */
    public static Set<String> namesOf(X509Certificate certificate) {
        Set<String> names = new TreeSet<>();
        try {
            Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
            if (alternatives != null) {
                for (List<?> alternative : alternatives) {
                    if (Integer.valueOf(SAN_DNS).equals(alternative.get(0))) {
                        names.add((String) alternative.get(1));
                    }
                }
            }
            for (Rdn rdn : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
                if (rdn.getType().equalsIgnoreCase("CN")) {
                    names.add(rdn.getValue().toString());
                }
            }
        } catch (CertificateParsingException | InvalidNameException e) {
            return Set.of();
        }
        return names;
    }
}
