from django.urls import path

from toguna.engines.ledger.receipts import views

urlpatterns = [
    path("receipt/", views.check, name="receipt"),
    path("receipt/<slug:number>", views.check, name="receipt-number"),
    path(".well-known/toguna-receipts.json", views.keys, name="receipt-keys"),
    path("desk/receipts/<int:pk>", views.receipt, name="desk-receipt"),
    path("desk/receipts/<int:pk>/void", views.void, name="desk-receipt-void"),
    path("desk/receipts/<int:pk>/print", views.print_receipt, name="desk-receipt-print"),
    path("desk/receipts/<int:pk>/<int:number>-<slug:size>.<slug:kind>", views.file, name="desk-receipt-file"),
]
