"""The accounts that a town begins with, with their numbers in the public charts (SYSCOHADA revised; communes' own as in M14)."""

from __future__ import annotations

from toguna.engines.ledger import book

# code: (kind, SYSCOHADA, M14, French, Portuguese, English)
CHART = {
    "401": ("liability", "4011", "4011", "Fournisseurs et personnel à payer", "Fornecedores e pessoal por pagar", "Suppliers and staff to be paid"),
    "411": ("asset", "4111", "411", "Redevables", "Contribuintes", "What payers owe"),
    "4191": ("liability", "4191", "4191", "Avances reçues", "Adiantamentos recebidos", "Paid ahead"),
    "471": ("liability", "4712", "471", "Sommes à identifier", "Quantias por identificar", "Money to be identified"),
    "4712": ("liability", "4712", "4718", "Banque : lignes à identifier", "Banco: linhas por identificar", "Bank: lines to be identified"),
    "513": ("asset", "513", "5112", "Chèques à encaisser", "Cheques por cobrar", "Cheques to be cashed"),
    "515": ("asset", "515", "5115", "Cartes à encaisser", "Cartões por cobrar", "Card payments to come"),
    "521": ("asset", "521", "515", "Banque", "Banco", "Bank"),
    "552": ("asset", "552", "5113", "Monnaie électronique", "Dinheiro eletrónico", "Mobile money"),
    "571": ("asset", "571", "531", "Coffre", "Cofre", "Safe"),
    "585": ("asset", "585", "581", "Fonds en route vers la banque", "Fundos a caminho do banco", "Cash on its way to the bank"),
    "631": ("expense", "6312", "627", "Frais bancaires", "Despesas bancárias", "Fees of banks"),
    "6511": ("expense", "6511", "6541", "Créances abandonnées", "Créditos abandonados", "Bills given up"),
    "6588": ("expense", "6588", "678", "Écarts de caisse", "Diferenças de caixa", "Differences of cash desks"),
    "605": ("expense", "605", "6068", "Menues dépenses", "Pequenas despesas", "Small outlays"),
    "6055": ("expense", "6055", "6236", "Impression des avis", "Impressão de avisos", "Printing of notices"),
    "6281": ("expense", "6281", "6262", "SMS et téléphone", "SMS e telefone", "SMS and telephone"),
    "6322": ("expense", "6322", "627", "Commissions des opérateurs de paiement", "Comissões dos operadores de pagamento", "Commissions of payment providers"),
    "6611": ("expense", "6611", "6413", "Salaires et primes des collecteurs", "Salários e prémios dos cobradores", "Pay of collectors"),
    "7068": ("income", "7061", "70611", "Redevance des ordures", "Taxa de resíduos", "Waste fee"),
    "7088": ("income", "7078", "70688", "Actes et services", "Atos e serviços", "Papers and services"),
    "7311": ("income", "758", "7311", "Impôt foncier", "Imposto predial", "Property tax"),
    "7312": ("income", "758", "7318", "Patente", "Licença comercial", "Business licence"),
    "7323": ("income", "758", "70323", "Occupation du domaine public", "Ocupação do espaço público", "Public space"),
    "7336": ("income", "758", "7336", "Droits de place", "Taxas de mercado", "Market fees"),
    "7337": ("income", "758", "7337", "Stationnement", "Estacionamento", "Parking"),
    "7338": ("income", "758", "7368", "Publicité", "Publicidade", "Advertising"),
    "7339": ("income", "758", "7338", "Marché à bétail", "Mercado de gado", "Cattle market"),
    "7711": ("income", "758", "7711", "Amendes et pénalités", "Multas e penalidades", "Fines and penalties"),
}  # fmt: skip
# What collecting costs: these, and those that the town adds below them ("6611-marche").
COLLECTING = ("6055", "6281", "631", "6322", "6611")


def load() -> None:
    """Idempotent; a title that the town changed stays."""
    for code, (kind, syscohada, m14, fr, pt, en) in CHART.items():
        book.account(code, kind, {"fr": fr, "pt": pt, "en": en}, syscohada, m14)
