-- Who came in with one factor only, and what share of their sign-ins is that?
SELECT
  s.partner_tenant_id,
  s.account,
  COUNT(*) AS succeeded,
  SUM(CASE WHEN s.authentication_requirement = 'singleFactorAuthentication' THEN 1 ELSE 0 END) AS single_factor,
  CAST(SUM(CASE WHEN s.authentication_requirement = 'singleFactorAuthentication' THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) AS share,
  SUM(CASE WHEN s.authentication_requirement IS NULL THEN 1 ELSE 0 END) AS not_told,
  COUNT(DISTINCT CASE WHEN s.authentication_requirement = 'singleFactorAuthentication' THEN s.child_tenant_id END) AS customers
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE s.verdict = 'succeeded' AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.partner_tenant_id, s.account
HAVING SUM(CASE WHEN s.authentication_requirement = 'singleFactorAuthentication' THEN 1 ELSE 0 END) > 0
ORDER BY single_factor DESC, s.partner_tenant_id NULLS LAST, s.account NULLS LAST
